"""A PNG with few colours, chosen so that what is drawn keeps its own."""

import io

import numpy as np

COLOURS = 256
COVERED = 10  # steps of opacity: the edges of lines and letters need no more


def few_colours(drawn: bytes, description: str) -> bytes:
    """A PNG with at most 256 colours, transparency among them, and ``description`` within.

    The most frequent colours stay exactly as they are; a rare one (the edge of a line, half
    covered) becomes the nearest of these.
    """
    from PIL import Image, PngImagePlugin

    pixels = np.array(Image.open(io.BytesIO(drawn)).convert("RGBA"))  # (H, W, 4)
    pixels[..., 3] = np.round(np.round(pixels[..., 3] / 255 * COVERED) / COVERED * 255)
    pixels[pixels[..., 3] == 0] = 0  # what cannot be seen has one colour
    keys = pixels.reshape(-1, 4).copy().view(np.uint32).ravel()
    found, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    colours = found.view(np.uint8).reshape(-1, 4)
    palette = colours[np.argsort(-counts, kind="stable")[:COLOURS]]
    nearest = _nearest(colours, palette)
    image = Image.fromarray(nearest[inverse].reshape(pixels.shape[:2]), "P")
    image.putpalette(palette[:, :3].tobytes())
    text = PngImagePlugin.PngInfo()
    text.add_itxt("Description", description)
    small = io.BytesIO()
    image.save(
        small, format="PNG", optimize=True, transparency=palette[:, 3].tobytes(), pnginfo=text
    )
    return small.getvalue()


def _nearest(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The place in ``palette`` of the colour nearest to each of ``colours``, (C,).

    Compared as they look on a ground: what is nearly transparent may have any hue.
    """
    seen, offered = _weighed(colours), _weighed(palette)
    found = np.empty(len(seen), np.uint8)
    for start in range(0, len(seen), 4096):
        part = seen[start : start + 4096]
        distance = ((part[:, None] - offered[None]) ** 2).sum(2)
        found[start : start + 4096] = distance.argmin(1)
    return found


def _weighed(colours: np.ndarray) -> np.ndarray:
    """Red, green and blue times opacity, and opacity itself, (C, 4)."""
    values = colours.astype(np.float32)
    values[:, :3] *= values[:, 3:] / 255
    return values
