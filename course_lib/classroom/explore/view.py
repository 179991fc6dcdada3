"""What all explorers share: a widget with its static stand-in, and controls that keys can reach."""

import base64
import html
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from ..plots import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"


class View:
    """A widget with its static stand-in.

    Shown as the last line of a cell; ``controls`` are its widgets by name.
    """

    def __init__(
        self, widget: Any, text: str, picture_html: str | None = None, **controls: Any
    ) -> None:
        self.widget = widget
        self.text = text
        self.html = picture_html
        self.controls = controls

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": self.text}
        if self.widget is not None:
            bundle[WIDGET] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.widget.model_id,
            }
        # Colab would show both
        both = self.widget is not None and "google.colab" in sys.modules
        if self.html and not both:
            bundle["text/html"] = self.html
        return bundle


def widgets() -> ModuleType | None:
    """The ipywidgets module, or None where it is not installed.

    Explorers then show their stand-in.
    """
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets


def slider(w: ModuleType, kind: type, **settings: Any) -> Any:
    """A slider as wide as the page, with room for its label; it reports when it is let go."""
    return kind(
        layout=w.Layout(width="95%"),
        style={"description_width": "110px"},
        continuous_update=False,
        **settings,
    )


def buttons(w: ModuleType, **settings: Any) -> Any:
    """One button for each option."""
    return w.ToggleButtons(style={"description_width": "110px", "button_width": "auto"}, **settings)


def watch(controls: Iterable[Any], redraw: Callable[[dict], None]) -> None:
    """Call ``redraw`` whenever the value of one of ``controls`` changes."""
    for control in controls:
        control.observe(redraw, names="value")


def picture(figure: Figure, width: int = 800) -> str:
    """A figure of :mod:`course_lib.classroom.plots` as HTML with alt text, for a stand-in."""
    return (
        f'<img alt="{html.escape(figure.summary)}" width="{width}" '
        f'src="data:image/png;base64,{base64.b64encode(figure.png()).decode()}">'
    )


def image(w: ModuleType, figure: Figure, width: int = 800) -> Any:
    """A widget that shows ``figure``."""
    return w.Image(value=figure.png(), format="png", width=width)


def paragraphs(lines: Iterable[str]) -> str:
    """Lines of text as HTML."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
