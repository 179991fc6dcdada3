"""What all explorers share: a widget with its static stand-in, and controls that keys can reach."""

import base64
import html
import sys

WIDGET = "application/vnd.jupyter.widget-view+json"


class View:
    """A widget with its static stand-in.

    Shown as the last line of a cell; ``controls`` are its widgets by name.
    """

    def __init__(self, widget, text, picture_html=None, **controls):
        self.widget, self.text, self.html, self.controls = widget, text, picture_html, controls

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": self.text}
        if self.widget is not None:
            bundle[WIDGET] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.widget.model_id,
            }
        # Colab would show both
        if self.html and not (self.widget is not None and "google.colab" in sys.modules):
            bundle["text/html"] = self.html
        return bundle


def widgets():
    """The ipywidgets module, or None where it is not installed.

    Explorers then show their stand-in.
    """
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets


def slider(w, kind, **settings):
    """A slider as wide as the page, with room for its label; it reports when it is let go."""
    return kind(
        layout=w.Layout(width="95%"),
        style={"description_width": "110px"},
        continuous_update=False,
        **settings,
    )


def buttons(w, **settings):
    """One button for each option."""
    return w.ToggleButtons(style={"description_width": "110px", "button_width": "auto"}, **settings)


def picture(figure, width=800):
    """A figure of :mod:`course_lib.classroom.plots` as HTML with alt text, for a stand-in."""
    return (
        f'<img alt="{html.escape(figure.summary)}" width="{width}" '
        f'src="data:image/png;base64,{base64.b64encode(figure.png()).decode()}">'
    )
