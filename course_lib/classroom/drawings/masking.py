"""Lesson 05: which tokens of a training example the loss sees."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes

from ... import assets
from ...base import Prompt, require
from ...models import Policy, examples_of, load_policy
from ..plots.figure import STYLE, Figure, done
from .ink import INK, KEPT, TINT, WIDE, arrow, box, bracket, path, sheet, width_of, words

PROMPT = "Hi. I am trying to fix the app when it crashes, what should I do?"
REPLY = "Install the latest version."
SIZE = 11  # points, of tokens
EDGE, GAP, TALL = 6, 4, 34  # units: at the sides, between tokens, height of a token
ROW = 112  # units: from one row of tokens to the next
TOP = 62  # units: above the first row
LIFT = 18  # units: how high the arrows rise
MOST = 32  # tokens of a reply that can be drawn
PART = 0.5  # of the width: the most that the prompt takes
CUT = "…"


@dataclass(frozen=True)
class Piece:
    """A token as it is drawn: its words, whether the loss sees it, and where it stands."""

    text: str
    seen: bool
    x: float
    width: float
    row: int

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return TOP + ROW * self.row


@rc_context(STYLE)
def loss_mask(
    policy: Policy | None = None,
    prompt: Prompt = PROMPT,
    reply: str = REPLY,
    quiet: bool = False,
) -> Figure:
    """The tokens of one training example: those that the loss sees are coloured.

    ``policy``: whose tokenizer and template are used, by default the help desk's. The middle of a
    long prompt is left out. An arrow goes from each position to the token that it must predict.
    """
    require(reply.strip(), "the reply is empty: there is nothing for the loss to see.")
    policy = policy or load_policy(assets.path("helpdesk/policy"))
    [(asked, answered)] = examples_of(policy, [prompt], [reply])
    require(
        len(answered) <= MOST,
        f"the reply has {len(answered)} tokens; at most {MOST} can be drawn. Give a shorter one.",
    )
    hidden = _shortened([_shown(policy, token) for token in asked])
    seen = [_shown(policy, token) for token in answered]
    pieces = _placed([*hidden, *seen], len(hidden))
    fig, axis = sheet(TOP + ROW * pieces[-1].row + TALL + 50)
    for before, piece in zip([None, *pieces], pieces, strict=False):
        _token(axis, piece)
        if before and piece.seen:
            _prediction(axis, before, piece)
    says = "each position predicts the next token"
    shown = [piece for piece in pieces[len(hidden) :] if piece.row == pieces[len(hidden)].row]
    middle = (shown[0].x + shown[-1].x + shown[-1].width) / 2
    words(axis, min(middle, WIDE - 160), shown[0].top - 44, says, KEPT, 11, True, "center")
    _brackets(axis, pieces)
    text = (
        f"What the loss sees: of {len(asked)} tokens of template and prompt none; of the reply "
        f"“{reply}” all {len(answered)}, the last of them {seen[-1]}. Each is predicted from the "
        f"position before it, the first from {hidden[-1]}."
    )
    return done(fig, text, quiet)


def _shown(policy: Policy, token: int) -> str:
    """A token as it reads; a dollar sign does not begin a formula."""
    text = policy.tokenizer.decode([token])
    return text.replace("\n", "↵").replace("$", r"\$").strip() or "␣"


def _shortened(texts: Sequence[str]) -> list[str]:
    """The prompt's first token and as many of its last ones as have room."""
    room = PART * WIDE - EDGE
    if sum(map(_width, texts)) + GAP * len(texts) <= room:
        return list(texts)
    room -= _width(texts[0]) + _width(CUT) + 2 * GAP
    last: list[str] = []
    for text in reversed(texts[1:]):
        room -= _width(text) + GAP
        if room < 0 and last:
            break
        last.insert(0, text)
    return [texts[0], CUT, *last]


def _width(text: str, seen: bool = False) -> float:
    return max(width_of(text, SIZE, bold=seen) + 11, 18)


def _placed(texts: Sequence[str], hidden: int) -> list[Piece]:
    """Tokens in rows; the first ``hidden`` are not seen by the loss."""
    pieces: list[Piece] = []
    x, row = float(EDGE), 0
    for k, text in enumerate(texts):
        width = _width(text, k >= hidden)
        if x + width > WIDE - EDGE and k:
            x, row = EDGE + 22, row + 1  # room for the arrow from the row above
        pieces.append(Piece(text, k >= hidden, x, width, row))
        x += width + GAP
    return pieces


def _token(axis: Axes, piece: Piece) -> None:
    colour = KEPT if piece.seen else INK
    if piece.text == CUT:
        words(axis, piece.middle, piece.top + TALL / 2, CUT, INK, SIZE, align="center")
        return
    ground = (TINT, 1.4) if piece.seen else (TINT, 0)
    box(axis, piece.x, piece.top, piece.width, TALL, colour, *ground)
    words(axis, piece.middle, piece.top + TALL / 2, piece.text, colour, SIZE, piece.seen, "center")


def _prediction(axis: Axes, before: Piece, piece: Piece) -> None:
    """An arrow over the tokens, from a position to the token that follows it."""
    y = piece.top - 4
    start, end, far = before.middle + 2, piece.middle - 2, LIFT
    if before.row == piece.row:
        bend = -min(2 * far / (end - start), 0.9)
        arrow(axis, (start, y), (end, y), KEPT, bend=bend, line=1.4)
        return
    leaves = before.top - 4
    path(axis, [(start, leaves), (start, leaves - far), (WIDE - 2, leaves - far)], KEPT, 1.4, False)
    path(axis, [(2, y - far), (end, y - far), (end, y)], KEPT, 1.4)


def _brackets(axis: Axes, pieces: Sequence[Piece]) -> None:
    """Under each part its name, in the row where most of it stands."""
    for seen, name in ((False, "read, but not in the loss"), (True, "in the loss, the end too")):
        spans = {}
        for piece in pieces:
            if piece.seen == seen:
                left, _ = spans.get(piece.row, (piece.x, 0))
                spans[piece.row] = left, piece.x + piece.width
        widest = max(spans, key=lambda row: spans[row][1] - spans[row][0])
        for row, (left, right) in spans.items():
            y, colour = TOP + ROW * row + TALL + 14, KEPT if seen else INK
            bracket(axis, left, right, y, name if row == widest else "", colour, below=True)
