"""Over-optimisation: the fit d(α − βd) and its peak."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base import require
from .arrays import as_array, as_pair


@dataclass(frozen=True)
class OveroptimisationFit:
    """R(d) with its two coefficients.

    ``peak_d`` in √nats and ``peak_value`` are infinite when the curve never turns down.
    """

    form: str
    alpha: float
    beta: float
    peak_d: float
    peak_value: float
    r2: float

    def predict(self, d: ArrayLike) -> np.ndarray:
        """Fitted gain in gold reward at ``d`` = √KL; the shape of ``d``."""
        linear, bend = _shape_of(self.form, as_array(d, "d"))
        return self.alpha * linear - self.beta * bend

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)


def _shape_of(form: str, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What α multiplies (d) and what β multiplies (d², or d·log d, which is 0 at 0)."""
    if form == "best_of_n":
        return d, d * d
    return d, d * np.log(np.where(d > 0, d, 1.0))


def overoptimisation_fit(
    d: ArrayLike, gold: ArrayLike, form: str = "best_of_n"
) -> OveroptimisationFit:
    """Least-squares :class:`OveroptimisationFit` of Gao, Schulman and Hilton's laws (2210.10760).

    ``d``: (n,) √KL(π ‖ π_ref), KL in nats; ``gold``: (n,) gold reward **as the gain over d = 0**
    (over n = 1). ``form="best_of_n"``: d(α − βd), peak at α/2β of α²/4β; ``"rl"``: d(α − β log d),
    peak at exp(α/β − 1) of β·exp(α/β − 1). ``r2`` compares with the mean of ``gold``. Two
    coefficients fit many curves: look at the residuals before believing a peak beyond the data.
    """
    d, gold = as_pair(d, gold, ("d", "gold"), 1)
    require(form in ("best_of_n", "rl"), f"form must be 'best_of_n' or 'rl'; got {form!r}.")
    lowest = d.min() if d.size else 0
    require((d >= 0).all(), f"d is √KL and cannot be negative; got {lowest:.3g}.")
    require(
        len(np.unique(d[d > 0])) >= 2,
        "a fit of two coefficients needs at least two different d above 0.",
    )
    linear, bend = _shape_of(form, d)
    columns = np.stack([linear, -bend], axis=1)  # (n, 2)
    (alpha, beta), *_ = np.linalg.lstsq(columns, gold, rcond=None)
    peak_d, peak_value = _peak(form, alpha, beta)
    residual = gold - (alpha * linear - beta * bend)
    spread = gold - gold.mean()
    r2 = 1 - residual @ residual / (spread @ spread) if spread.any() else math.nan
    return OveroptimisationFit(
        form, float(alpha), float(beta), float(peak_d), float(peak_value), float(r2)
    )


def _peak(form: str, alpha: float, beta: float) -> tuple[float, float]:
    """Where the curve is highest, and how high; infinite when it never turns down."""
    if beta <= 0:
        return math.inf, math.inf
    if form == "best_of_n":
        peak_d = max(alpha, 0.0) / (2 * beta)
        return peak_d, peak_d * (alpha - beta * peak_d)
    peak_d = math.exp(min(alpha / beta - 1, 700.0))  # above about 709 exp overflows
    return peak_d, beta * peak_d
