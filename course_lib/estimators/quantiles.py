"""Quantiles of the beta and of Student's distribution, without another library.

The incomplete beta function is a continued fraction (Numerical Recipes, 6.4), and a quantile is
found by halving. Tests compare them with printed tables.
"""

import math

SMALL = 1e-300


def beta_quantile(p: float, a: float, b: float) -> float:
    """The value below which a Beta(a, b) variable lies with probability ``p``; a, b > 0."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if beta_share(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def t_quantile(p: float, df: float) -> float:
    """The quantile ``p`` of Student's distribution with ``df`` degrees of freedom."""
    if p < 0.5:
        return -t_quantile(1 - p, df)
    # t² / (df + t²) is Beta(1/2, df/2)
    x = beta_quantile(2 * p - 1, 0.5, df / 2)
    return math.sqrt(df * x / (1 - x)) if x < 1 else math.inf


def beta_share(x: float, a: float, b: float) -> float:
    """The probability that a Beta(a, b) variable is at most ``x``: the incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front += a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast
        return math.exp(front) * _fraction(x, a, b) / a
    return 1 - math.exp(front) * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction, by Lentz's method."""
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > SMALL else SMALL
