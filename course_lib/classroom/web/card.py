"""How a cell shows a card: its data, its script, and a picture or text where scripts do not run.

The JavaScript lies in ``parts/``: ``core.js`` and one file a kind. Every output carries core and
its own kind inline, so that it works alone: in JupyterLab, Notebook 7, Colab (one frame an output),
VS Code, saved HTML and the website. Where scripts are dropped (GitHub, an untrusted notebook), the
static part stays: text, a picture, ``<details>``.
"""

import base64
import functools
import gzip
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..closed import FIRST_LINE

if TYPE_CHECKING:  # matplotlib comes with it, and a card of questions needs none
    from ..plots import Figure

PARTS = Path(__file__).with_name("parts")
# what scrolls sideways is reached by keys, which do nothing to the notebook while it has the focus
SCROLLS = 'style="overflow-x:auto" tabindex="0" data-lm-suppress-shortcuts'
PACKED_FROM = 4_000  # characters of JSON from which data are compressed


@dataclass(frozen=True)
class Card:
    """What a cell shows.

    ``kind``: the name under which ``parts/<kind>.js`` registers its drawing; ``data``: what that
    draws, as JSON; ``text``: the same in words, for a terminal; ``fallback``: HTML that stands
    there without scripts; ``link``: class of the hidden widget that hears of answers
    (:mod:`.link`), or ""; ``needs``: other parts that the kind builds on.
    """

    kind: str
    data: dict[str, Any]
    text: str
    fallback: str
    link: str = ""
    needs: Sequence[str] = field(default=())

    def html(self) -> str:
        """The element with its data and its fallback, and the script that draws it."""
        data = html.escape(packed(self.data))
        link = f' data-link="{self.link}"' if self.link else ""
        return (
            f'<div class="ck" data-kind="{self.kind}" data-ck="{data}"{link}>{self.fallback}</div>'
            f"<script>{script((*self.needs, self.kind))}</script>"
        )

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": FIRST_LINE + self.html()}


def packed(data: Any) -> str:
    """``data`` as JSON; compressed (``gz:`` and base64) when it is long. NaN becomes null."""
    text = json.dumps(_plain(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text) < PACKED_FROM:
        return text
    small = gzip.compress(text.encode(), 9, mtime=0)
    return f"gz:{base64.b64encode(small).decode()}"


def _plain(value: Any) -> Any:
    """Floats to four significant places, NaN to None, arrays and tuples to lists."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if abs(value) < float("inf") else None
    return value


@functools.cache
def script(kinds: Sequence[str]) -> str:
    """The JavaScript of ``kinds``: core first, then each part once, then the call that mounts.

    A part may have a style sheet of its own beside it, ``parts/<kind>.css``.
    """
    names = list(dict.fromkeys(kinds))
    styles = [_style("ck-style", "still.css", "core.css")]
    styles += [_style(f"ck-style-{k}", f"{k}.css") for k in names if (PARTS / f"{k}.css").is_file()]
    parts = [_squeezed(f"{name}.js") for name in names]
    return "\n".join([keys(), _squeezed("core.js"), *styles, *parts, "courseKit.mount();"])


def keys() -> str:
    """JavaScript that keeps keys pressed in a card, or in a :func:`still`, from the notebook."""
    return _squeezed("keys.js")


def _style(name: str, *files: str) -> str:
    """JavaScript that adds these style sheets to the page, once."""
    style = json.dumps("".join(map(_squeezed, files)))
    return (
        f"if(!document.getElementById('{name}'))document.head.append("
        f"courseKit.node('style',{{id:'{name}'}},{style}));"
    )


@functools.cache
def _squeezed(name: str) -> str:
    """A part without indentation, empty lines, and lines that are only a comment."""
    lines = (PARTS / name).read_text(encoding="utf-8").splitlines()
    lines = [line.strip() for line in lines]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def still(inner: str, sheet: str = "") -> str:
    """HTML in the course's colours that needs no script; ``sheet``: with ``parts/<sheet>.css``."""
    style = _squeezed("still.css") + (_squeezed(f"{sheet}.css") if sheet else "")
    return f'<style>{style}</style><div class="ck-still">{inner}</div>'


def picture(figure: "Figure") -> str:
    """A figure of :mod:`course_lib.classroom.plots` as HTML with alt text, for a fallback."""
    return figure.image()


def fold(title: str, inner: str) -> str:
    """``inner`` HTML folded under ``title``."""
    return f"<details><summary>{html.escape(title)}</summary>{inner}</details>"


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An HTML table that scrolls sideways; numbers to the right."""

    def cell(value: Any, tag: str) -> str:
        number = isinstance(value, int | float) or _numeric(str(value))
        kind = ' class="ck-num"' if number else ""
        return f"<{tag}{kind}>{html.escape(str(value))}</{tag}>"

    top = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in head)
    body = "".join(f"<tr>{''.join(cell(v, 'td') for v in row)}</tr>" for row in rows)
    return (
        f'<div class="ck-scroll" {SCROLLS}><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _numeric(text: str) -> bool:
    return bool(text) and text.lstrip("+-−").replace(".", "", 1).rstrip("%").isdigit()
