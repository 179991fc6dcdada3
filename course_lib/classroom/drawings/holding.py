"""Lesson 07: which models each method keeps in memory while it trains."""

from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ...estimators import GB, training_bytes
from ..plots.figure import COLOURS, STYLE, Figure, done
from ..plots.frontier import method_colour
from .ink import INK, TINT, faded, rule, sheet, width_of, words

POLICY, CRITIC, START, REWARD = "policy", "critic", "starting policy", "reward model"
# what each method holds at once; True where it is trained. Best-of-N trains nothing: what it holds
# when it answers. The starting policy is the reference; RFT's is the one that sampled.
HELD: Mapping[str, Mapping[str, bool]] = {
    "best-of-N": {POLICY: False, REWARD: False},
    "RFT": {POLICY: True, START: False},
    "DPO": {POLICY: True, START: False},
    "GRPO": {POLICY: True, START: False, REWARD: False},
    "PPO": {POLICY: True, CRITIC: True, START: False, REWARD: False},
}
PLACES = {POLICY: 126, CRITIC: 262, START: 408, REWARD: 508}  # units: where a column begins
TOTAL = 686  # units: where the numbers end
TOP, ROW, TALL, BYTE = 62, 52, 32, 7.2  # units: first row, rows, height and width of a byte
FILLS = {"weights": 1.0, "gradients": 0.6, "Adam's moments": 0.28}
FROZEN = "policy that sampled"  # what the arithmetic calls a model in half precision


def bytes_held(method: str) -> dict[str, dict[str, float]]:
    """Bytes a parameter of each model that ``method`` holds: model → {part: bytes}.

    By :func:`~course_lib.estimators.training_bytes`: a trained model has weights, gradients and
    Adam's moments in float32, a frozen one its weights in half precision. All are of one size.
    """
    require(method in HELD, f"method must be one of {', '.join(HELD)}; got {method!r}.")
    each = training_bytes(1)
    trained = {part: each[part] for part in FILLS}
    return {
        model: dict(trained) if learns else {"frozen": each[FROZEN]}
        for model, learns in HELD[method].items()
    }


@rc_context(STYLE)
def models_in_memory(billions: float = 1.0, quiet: bool = False) -> Figure:
    """A row a method: trained models are filled, frozen ones outlined, as wide as their bytes.

    ``billions`` of parameters that each model has; the numbers are GB (10⁹ bytes) without
    activations, keys and values.
    """
    require(billions > 0, f"billions of parameters must be above 0; got {billions}.")
    fig, axis = sheet(TOP + ROW * len(HELD) + 42)
    _heads(axis, billions)
    totals = {}
    for k, method in enumerate(HELD):
        held = bytes_held(method)
        totals[method] = sum(sum(parts.values()) for parts in held.values()) * billions * 1e9 / GB
        _row(axis, TOP + ROW * k, method, held, totals[method])
    _key(axis, TOP + ROW * len(HELD) + 12)
    rows = (f"{method} {_who(method)}, {total:g} GB" for method, total in totals.items())
    text = (
        f"Models in memory while training, each of {billions:g} billion parameters: "
        f"{'; '.join(rows)}. Activations, keys and values come on top."
    )
    return done(fig, text, quiet)


def _who(method: str) -> str:
    """The models of a method in words."""
    learns = [model for model, trained in HELD[method].items() if trained]
    frozen = [model for model, trained in HELD[method].items() if not trained]
    training = f"trains {' and '.join(learns)}" if learns else "trains nothing"
    return f"{training}, keeps {' and '.join(frozen)}"


def _heads(axis: Axes, billions: float) -> None:
    size = "each billion" if billions == 1 else f"{billions:g} billion"
    for model, x in PLACES.items():
        *above, below = model.split()
        _lines(axis, x, " ".join(above), below, "left")
    _lines(axis, TOTAL, "GB for", size, "right")
    rule(axis, (14, 50), (TOTAL, 50), line=0.6)


def _lines(axis: Axes, x: float, above: str, below: str, align: str) -> None:
    """The head of a column, in two lines or one."""
    if above:
        words(axis, x, 20, above, bold=True, align=align)
    words(axis, x, 36, below, bold=True, align=align)


def _row(
    axis: Axes, y: float, method: str, held: Mapping[str, Mapping[str, float]], total: float
) -> None:
    colour = COLOURS[method_colour(method)]
    words(axis, 14, y + TALL / 2, method, colour, 12, bold=True)
    for model, parts in held.items():
        _model(axis, PLACES[model], y, parts, colour)
    words(axis, TOTAL, y + TALL / 2, f"{total:g}", colour, 13, True, "right")


def _model(axis: Axes, x: float, y: float, parts: Mapping[str, float], colour: str) -> None:
    """A trained model's parts side by side, or a frozen model's outline."""
    for part, size in parts.items():
        _part(axis, (x, y), (size * BYTE, TALL), part, colour)
        x += size * BYTE


def _part(
    axis: Axes, at: tuple[float, float], size: tuple[float, float], part: str, colour: str
) -> None:
    """A box with its upper left corner at ``at``: filled by what it holds, or an outline."""
    look = {"color": colour, "alpha": FILLS.get(part), "linewidth": 0}
    if part not in FILLS:
        look = {"fill": False, "edgecolor": colour, "linewidth": 1.6}
        ground = {"color": colour, "alpha": TINT, "linewidth": 0}
        axis.bar(at[0], size[1], size[0], at[1], align="edge", **ground)
    axis.bar(at[0], size[1], size[0], at[1], align="edge", **look)


def _key(axis: Axes, y: float) -> None:
    """What the tones mean, with bytes a parameter."""
    each = training_bytes(1)
    faded(axis, 14, y + 6, "bytes each")
    x = float(PLACES[POLICY])
    for part, name in (*((part, part) for part in FILLS), ("frozen", FROZEN)):
        text = f"{part} {each[name]:g}"
        _part(axis, (x, y), (12, 12), part, INK)
        words(axis, x + 18, y + 6, text)
        x += 18 + width_of(text) + 20
