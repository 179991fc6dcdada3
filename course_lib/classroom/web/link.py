"""What hears of answers given in a card: a hidden text widget, or Colab's own callback.

The browser writes a message (JSON) into the widget; the kernel answers in its placeholder. One
widget serves all cards of a kernel that have the same hearer, and its name is always the same, so
that a notebook built twice is the same twice. Without ipywidgets, without a kernel, or in a
notebook that was opened and not run, there is no widget, and the card says so.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...base import CourseError, in_notebook, on_colab
from .card import Card

VIEW = "application/vnd.jupyter.widget-view+json"

# a message of a card → the reply: what is kept now, or {"error": why not}
Hearer = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, repr=False)
class LinkedCard(Card):
    """A card whose answers ``hearer`` is told, as long as the notebook's kernel runs."""

    hearer: Hearer | None = None

    def _ipython_display_(self) -> None:
        """Show the hidden widget, where there can be one, and the card below it."""
        from IPython.display import display

        name, view = opened(self.hearer) if self.hearer else ("", None)
        if view:
            display(view, raw=True)
        display(replace(self, link=name)._repr_mimebundle_(), raw=True)


@functools.cache
def opened(hearer: Hearer) -> tuple[str, dict[str, Any] | None]:
    """(the link's name, what shows its widget); ("", None) where there is no kernel to hear.

    On Colab the name is that of a callback, and there is no widget.
    """
    name = f"ck-link-{hearer.__module__.split('.')[-2]}-{hearer.__name__}"
    if not in_notebook():
        return "", None
    if on_colab():
        return _colab(name, hearer), None
    try:
        import ipywidgets
    except ImportError:
        return "", None
    text = ipywidgets.Text()
    text.add_class(name)
    text.layout.display = "none"

    def heard(change: dict[str, Any]) -> None:
        text.placeholder = reply_to(change["new"], hearer)

    text.observe(heard, names="value")
    shown = {"version_major": 2, "version_minor": 0, "model_id": text.model_id}
    return name, {"text/plain": "", VIEW: shown}


def _colab(name: str, hearer: Hearer) -> str:
    """Register ``hearer`` with Colab under ``name``."""
    from google.colab import output
    from IPython.display import JSON

    output.register_callback(name, lambda text: JSON(json.loads(reply_to(text, hearer))))
    return name


def reply_to(text: str, hearer: Hearer) -> str:
    """What the kernel says to a message, as JSON; its ``at`` says to which.

    A message that cannot be read, or an answer that cannot be kept, gives an ``error``.
    """
    at = None
    try:
        message = json.loads(text)
        at = message["at"]
        reply = hearer(message)
    except (CourseError, OSError) as error:
        reply = {"error": str(error)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reply = {"error": f"the message cannot be read ({type(error).__name__})."}
    return json.dumps({"at": at, **reply})
