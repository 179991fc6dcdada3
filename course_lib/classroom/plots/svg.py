"""Matplotlib's SVG made small: styles as classes, one decimal, the reader's own font."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

FONTS = "system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
FONT = re.compile(r"font: (?:(bold|\d+) )?([\d.]+)px [^;]*")
# what SVG does anyway, or what a picture this small does not need
IDLE = {
    ("stroke-linejoin", "miter"),
    ("stroke-dashoffset", "0"),
    ("text-anchor", "start"),
    ("fill-opacity", "1"),
    ("stroke-opacity", "1"),
    ("stroke-width", "1"),
}
KEPT = ("d", "x", "y", "width", "height", "transform", "clip-path", "href", "id", "viewBox")


def squeezed(text: str, width: int, height: int) -> str:
    """An SVG of matplotlib's as one line, ``width`` × ``height`` pixels large."""
    root = ET.fromstring(text)
    names = _Names()
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    body = "".join(_written(child, names, used, 1) for child in root)
    styles = "".join(f".{name}{{{style}}}" for style, name in names.classes.items())
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{root.get('viewBox')}' "
        f"width='{width}' height='{height}'><style>text{{font-family:{FONTS};white-space:pre}}"
        f"path,use{{stroke-linejoin:round}}{styles}</style>{body}</svg>"
    )


class _Names:
    """Short names: of styles, as classes, and of things that others refer to, as ids."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}
        self.ids: dict[str, str] = {}

    def style(self, text: str) -> str:
        return self.classes.setdefault(text, _letters(len(self.classes)))

    def id(self, name: str) -> str:
        return self.ids.setdefault(name, _letters(len(self.ids)))


def _letters(k: int) -> str:
    """a, b … z, a1, b1 …"""
    return chr(97 + k % 26) + (str(k // 26) if k >= 26 else "")


def _written(element: ET.Element, names: _Names, used: set[str], places: int) -> str:
    """An element and all in it; a group that says nothing gives only its children."""
    tag = element.tag.split("}")[-1]
    if tag in ("metadata", "style"):
        return ""
    inner = 2 if tag == "defs" else places  # markers are small: a second decimal
    children = "".join(_written(child, names, used, inner) for child in element)
    attributes = "".join(_attributes(element, names, used, places))
    if tag == "path" and element.get("style") == "fill: none":
        return ""  # the ground, which is transparent
    text = escape(element.text.strip()) if element.text and element.text.strip() else ""
    if tag == "g" and not attributes:
        return children
    if tag in ("g", "defs") and not children:
        return ""
    if children or text:
        return f"<{tag}{attributes}>{text}{children}</{tag}>"
    return f"<{tag}{attributes}/>"


def _attributes(element: ET.Element, names: _Names, used: set[str], places: int) -> Iterator[str]:
    style = _style(element.get("style", ""), places)
    if style:
        yield f" class='{names.style(style)}'"
    for name, value in element.attrib.items():
        name = name.split("}")[-1]
        if name not in KEPT or name == "id" and value not in used:
            continue
        if name == "id":
            value = names.id(value)
        elif name == "clip-path":
            value = f"url(#{names.id(value[5:-1])})"
        elif name == "href" and value.startswith("#"):
            value = f"#{names.id(value[1:])}"
        elif name == "d":
            value = _path(_rounded(value, places))
        elif not value.startswith("data:"):
            value = _rounded(value, places)
        if name == "transform":
            value = re.sub(r"rotate\(-?0 [^)]*\)", "", value).strip()
        if value:
            yield f" {name}='{value.strip()}'"


def _path(text: str) -> str:
    """A path without idle spaces, and with short words for level and upright lines."""
    text = re.sub(r"\s*([A-Za-z])\s*", r"\1", text.replace("\n", " ")).strip()
    text = re.sub(r"^(M(\S+) \S+)L\2 (\S+)$", r"\1V\3", text)
    return re.sub(r"^(M\S+ (\S+))L(\S+) \2$", r"\1H\3", text)


def _style(text: str, places: int) -> str:
    """A style without what is idle, and without a font family: the whole picture has one."""
    text = FONT.sub(
        lambda m: f"font-size: {m[2]}px" + (f"; font-weight: {m[1]}" * bool(m[1])), text
    )
    parts = [part.split(":", 1) for part in text.split(";") if ":" in part]
    pairs = [(name.strip(), value.strip()) for name, value in parts]
    kept = [
        f"{name}:{_rounded(value, max(places, 2))}"
        for name, value in pairs
        if (name, value) not in IDLE and name not in ("font-family", "image-rendering")
    ]
    if "image-rendering" in text:
        kept.append("image-rendering:pixelated")
    return ";".join(kept)


def _rounded(text: str, places: int) -> str:
    def short(match: re.Match) -> str:
        number = f"{float(match[0]):.{places}f}".rstrip("0").rstrip(".")
        return "0" if number in ("-0", "") else number

    return NUMBER.sub(short, text)


def as_address(svg: str) -> str:
    """A picture as a data URI: written out, which is smaller than base64 and can be read."""
    # & too: HTML would read "&lt;" inside the attribute as "<"
    codes = {"%": "%25", "&": "%26", "#": "%23", "<": "%3C", ">": "%3E", '"': "%22"}
    for raw, code in codes.items():
        svg = svg.replace(raw, code)
    return f"data:image/svg+xml,{svg}"
