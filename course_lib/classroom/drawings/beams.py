"""A small beam tree: two beams of the real policy, what they drop, and two samples below."""

from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes

from ..plots.figure import STYLE, Figure, done
from . import ink
from .stored import question

SAMPLES = (7, 8)  # two draws in a row of the stored pool
ROWS = (66, 118, 170, 222)  # units: the middles of first beam, dropped, second beam, dropped
COLUMNS, WIDTH, HIGH = (30, 258, 486), 200, 40


@dataclass(frozen=True)
class Node:
    """A run of words in which the tree has no other branch worth a look.

    ``start``: the words before it; ``logp``: the log-probability of the beginning that ends with
    its first word, when it is dropped, or with its last; ``place``: column and row.
    """

    start: str
    text: str
    logp: float
    place: tuple[int, int]
    kept: bool = True


THANKS = "Thank you for your message."
PASSED = "We have passed on your question about your payment card."
# Beam search with two beams for the stored question: what the policy gives (tested against it)
TREE = (
    Node("", THANKS, -1.19, (0, 0)),
    Node("", "Many …", -2.24, (0, 1), False),
    Node("", PASSED, -1.85, (0, 2)),
    Node("", "First …", -2.49, (0, 3), False),
    Node(THANKS, "Your order matters to us.", -1.43, (1, 0)),
    Node(THANKS, "First …", -4.08, (1, 1), False),
    Node(PASSED, "It may take some days.", -1.85, (1, 2)),
    Node(f"{THANKS} Your order matters to us.", "Open the payment page.", -1.99, (2, 0)),
    Node(f"{THANKS} Your order matters to us.", "Every …", -3.11, (2, 1), False),
    Node(f"{PASSED} It may take some days.", "Open the payment page.", -2.27, (2, 2)),
    Node(f"{PASSED} It may take some days.", "Find …", -4.89, (2, 3), False),
)


@rc_context(STYLE)
def beam_tree(quiet: bool = False) -> Figure:
    """Two beams over the words of the help desk's policy, and two samples.

    The words and log-probabilities are those of the bundled policy for a stored question; the
    samples are two draws in a row of the stored pool.
    """
    stored = question()
    samples = [stored.replies[j] for j in SAMPLES]
    fig, axis = ink.sheet(366)
    words = "Beam search keeps the two likeliest beginnings"
    ink.words(axis, COLUMNS[0] - 12, 24, words, ink.POLICY, 10.5, True)
    ink.words(
        axis, COLUMNS[2] + WIDTH, 24, "both give the same step", ink.REWARD, 10.5, True, "right"
    )
    for node in TREE:
        _branch(axis, node)
    for node in TREE:
        _node(axis, node)
    _samples(axis, samples)
    first, second = (node for node in TREE if node.kept and node.place[0] == 2)
    text = (
        f"A beam tree of width 2 for “{stored.asked}”: the beginnings “{THANKS}” and “{PASSED}” "
        f"are kept, the others dropped, and both give the same step, “{first.text}”, at "
        f"log-probabilities {ink.number(first.logp)} and {ink.number(second.logp)}. Two samples "
        f"say different things: “{samples[0]}” and “{samples[1]}”"
    )
    return done(fig, text, quiet)


def _corner(node: Node) -> tuple[float, float]:
    """The left end and the middle of a node."""
    column, row = node.place
    return COLUMNS[column], ROWS[row]


def _branch(axis: Axes, node: Node) -> None:
    """The line that comes from the node before it, or from the root."""
    x, y = _corner(node)
    column, row = node.place
    start = COLUMNS[column - 1] + WIDTH if column else 8
    before = ROWS[2 * (row // 2)] if column else (ROWS[0] + ROWS[2]) / 2
    if not column and row == 0:
        ink.dot(axis, start, before, ink.POLICY, 5)
    end = x if node.kept else x + 6
    colour = ink.POLICY if node.kept else ink.INK
    ink.curve(axis, (start, before), (end, y), colour, 2.0 if node.kept else 1.0)


def _node(axis: Axes, node: Node) -> None:
    x, y = _corner(node)
    logp = ink.number(node.logp)
    if node.kept:
        last = node.place[0] == 2
        colour = ink.REWARD if last else ink.POLICY
        ink.box(axis, x, y - HIGH / 2, WIDTH, HIGH, colour, line=1.5)
        text = ink.fitted(node.text, WIDTH - 16)
        ink.words(axis, x + 9, y - 9, text, colour, bold=last)
        said = "" if node.place != (0, 0) else "log-probability "
        ink.words(axis, x + 9, y + 9, said + logp, colour)
        return
    ink.words(axis, x + 12, y, node.text)
    ink.crossed(axis, x + 12, y, ink.width_of(node.text))
    ink.words(axis, x + 22 + ink.width_of(node.text), y, logp)


def _samples(axis: Axes, samples: list[str]) -> None:
    """Whole replies, one a row, under a title of their own."""
    words = "Two samples, drawn at random"
    ink.words(axis, COLUMNS[0] - 12, 270, words, ink.KEPT, 10.5, True)
    for k, text in enumerate(samples):
        y = 302 + 36 * k
        ink.box(axis, 18, y - 14, ink.WIDE - 32, 28, ink.KEPT, line=0)
        ink.words(axis, 28, y, ink.fitted(text, ink.WIDE - 52), ink.KEPT)
