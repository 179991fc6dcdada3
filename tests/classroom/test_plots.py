import base64
import io
import re
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import plots
from course_lib.classroom.plots.labels import spread
from course_lib.estimators import best_of_n_curve, bootstrap_interval

NS = [1, 2, 4, 8]


@pytest.fixture(scope="module")
def curve():
    """(20, 4) best-of-n curve of normal rewards."""
    return best_of_n_curve(np.random.default_rng(0).normal(size=(20, 8)), ns=NS)


def drawings(curve):
    value = bootstrap_interval(curve[:, 0])
    return {
        "best_of_n": plots.best_of_n(NS, {"gold": curve, "proxy": curve / 2}, quiet=True),
        "better": plots.better(["base", "tuned"], [value, value], 0.3, "rival", quiet=True),
        "score_and_gold": plots.score_and_gold([0, 1, 2], [0, 1, 0], quiet=True),
        "gold_spread": plots.gold_spread(curve, np.arange(20) < 5, 1.0, "good", quiet=True),
        "cost_quality": plots.cost_quality([10, 20, 40, 80], {"gold": curve}, ns=NS, quiet=True),
        "intervals": plots.intervals(
            ["a", "b"],
            [value, value],
            "reward (points)",
            reference=[0.0, 1.0],
            reference_name="theory",
            quiet=True,
        ),
        "best_of_n_at": plots.best_of_n_at(4, NS, curve, curve[0], 1.0, ("proxy", "gold")),
    }


def test_every_figure_has_labels_summary_and_small_pictures(curve):
    for name, figure in drawings(curve).items():
        assert figure.summary.endswith("."), name
        png = figure.png()
        assert Image.open(io.BytesIO(png)).text["Description"] == figure.summary
        assert len(png) < 20_000 and len(figure.svg()) < 12_000
        for axis in figure.axes:
            if axis.axison:
                assert axis.get_xlabel(), f"{name} lacks a label"
    assert all(axis.get_ylabel() for axis in drawings(curve)["best_of_n"].axes)


def test_notebook_output_is_a_picture_with_a_caption_and_a_png_beside_it(curve):
    figure = plots.best_of_n(NS, {'gold & "silver"': curve}, quiet=True)
    data, metadata = figure._repr_mimebundle_()
    closed = re.sub(r"(<img [^>]*)>", r"\1/>", data["text/html"])  # as XML wants it
    page = ElementTree.fromstring(f"<div>{closed}</div>")[0]
    image, caption = page
    assert page.tag == "figure" and caption.tag == "figcaption"
    assert caption.text == figure.summary
    assert image.get("alt") == (
        "Figure: Gold reward of the best of n (points). Its numbers stand below it."
    )
    kind, drawn = image.get("src").split(",", 1)
    assert kind == "data:image/svg+xml"
    ElementTree.fromstring(unquote(drawn))
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).format == "PNG"
    assert metadata["image/png"]["alt"] == figure.summary and figure.summary in data["text/plain"]
    assert "<Figure" not in data["text/plain"]
    whole = figure.image()  # where no caption stands below
    assert 'alt="Gold reward of the best of n (points): gold &amp; &quot;silver&quot;' in whole


def test_a_picture_is_the_same_each_time_and_asks_for_no_font(curve):
    first, second = (drawings(curve)["best_of_n"].svg() for _ in range(2))
    assert first == second
    assert "DejaVu" not in first and "system-ui" in first
    assert "http" not in first.replace("http://www.w3.org/2000/svg", "")
    assert re.search(r">gold reward of the best of n \(points\)<", first), "text stays text"
    assert not re.search(r"\d\.\d{3,}", first), "coordinates are rounded"


def luminance(colour):
    """Relative luminance as WCAG defines it, of "#rrggbb"."""
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_read_on_light_and_on_dark():
    for ground in ("#ffffff", "#111111"):
        assert min(contrast(colour, ground) for colour in plots.COLOURS) >= 3
        # 4.35 on white and 4.34 on #111: no grey has more on both
        assert contrast(plots.COLOURS[-1], ground) >= 4.33


def test_every_colour_survives_in_the_png(curve):
    names = [f"curve {k}" for k in range(len(plots.COLOURS))]
    figure = plots.best_of_n(NS, {n: curve + k / 2 for k, n in enumerate(names)}, quiet=True)
    image = Image.open(io.BytesIO(figure.png()))
    assert image.mode == "P"
    pixels = np.asarray(image.convert("RGBA")).reshape(-1, 4)
    drawn = pixels[pixels[:, 3] == 255][:, :3].astype(int)
    for colour in plots.COLOURS:
        wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
        assert np.abs(drawn - wanted).max(1).min() <= 3, colour
    assert (pixels[:, 3] == 0).mean() > 0.3, "the ground is transparent"


def names_of(axis):
    """Names written at the ends of a panel's lines, with the boxes they take, from the top."""
    axis.figure.draw_without_rendering()
    found = [text for text in axis.texts if text.get_text()]
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in found]
    return sorted(boxes, key=lambda named: -named[1].y0)


def test_lines_are_named_at_their_ends_and_no_name_covers_another(curve):
    close = {f"policy {k}": curve + k / 1000 for k in range(6)}
    axis = plots.best_of_n(NS, close, quiet=True).axes[0]
    assert axis.get_legend() is None
    names = names_of(axis)
    assert [name for name, _ in names] == [f"policy {k}" for k in reversed(range(6))]
    for (_, upper), (_, lower) in pairwise(names):
        assert upper.y0 >= lower.y1 - 1
    edge = axis.figure.get_window_extent()
    assert all(box.x1 <= edge.x1 and edge.y0 <= box.y0 for _, box in names)


def test_names_that_do_not_fit_stand_in_a_legend(curve):
    many = {f"policy {k}": curve + k for k in range(30)}
    axis = plots.best_of_n(NS, many, quiet=True).axes[0]
    assert len(axis.get_legend().get_texts()) == 30 and not axis.texts


@pytest.mark.parametrize(
    "wished, middles",
    [
        ([10, 50, 90], [10, 50, 90]),  # room for all
        ([50, 50], [45, 55]),  # two at one place step aside
        ([50, 52, 54], [42, 52, 62]),
        ([0, 99], [5, 95]),  # none leaves the frame
        ([1, 2], [5, 15]),
        ([54, 50, 52], [62, 42, 52]),  # in the order they were given
    ],
)
def test_names_spread_and_stay_near_their_lines(wished, middles):
    assert spread(wished, [10] * len(wished), 0, 100) == pytest.approx(middles)


def test_summary_is_printed_and_says_what_is_drawn(curve, capsys):
    figure = plots.best_of_n(NS, {"gold": curve})
    printed = capsys.readouterr().out.strip()
    assert printed == figure.summary and "\n" not in printed
    assert f"{curve[:, 0].mean():.2f} at n = 1" in printed
    assert f"{curve[:, -1].mean():.2f} at n = 8" in printed


def test_summary_names_a_peak_inside(curve):
    hump = curve.copy()
    hump[:, 1] += 5
    turning = plots.best_of_n(NS, {"gold": hump}, quiet=True)
    rising = plots.best_of_n(NS, {"gold": curve}, quiet=True)
    assert f"highest {hump[:, 1].mean():.2f} at n = 2" in turning.summary
    assert "highest" not in rising.summary


def test_bands_are_the_intervals(curve):
    axis = plots.best_of_n(NS, {"gold": curve}, quiet=True).axes[0]
    low = axis.collections[0].get_paths()[0].vertices[:, 1].min()
    assert low == pytest.approx(bootstrap_interval(curve[:, 0]).low)


def test_curves_differ_by_more_than_colour(curve):
    lines = plots.best_of_n(NS, {"a": curve, "b": curve + 1}, quiet=True).axes[0].get_lines()
    assert len({line.get_marker() for line in lines}) == 2
    assert len({line.get_linestyle() for line in lines}) == 2
    assert len({line.get_color() for line in lines}) == 2


def test_a_wrong_shape_is_named(curve):
    told = r"curve 'gold' must have shape \(prompts, 4\); got \(4, 20\)"
    with pytest.raises(CourseError, match=told):
        plots.best_of_n(NS, {"gold": curve.T}, quiet=True)


def test_drawing_leaves_no_open_figures_behind(curve):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    drawings(curve)
    assert plt.get_fignums() == before, "an open pyplot figure would be shown twice in a notebook"


def test_the_frontier_shows_every_method_and_says_the_best(capsys):
    result = results.load("frontier")
    drawn = plots.frontier(result)
    (axis,) = drawn.axes
    methods = result["methods"]
    in_order = sorted(methods, key=lambda name: methods[name]["shown"]["gold"]["mean"])
    labels = axis.get_yticklabels()
    assert len(labels) == len(methods)
    starred = set()
    for name, label in zip(in_order, labels, strict=True):
        text = label.get_text()
        assert text.rstrip("*") == name or name == "best-of-N" and text.startswith("best of ")
        assert label.get_color() == plots.COLOURS[plots.method_colour(name)]
        if text.endswith("*"):
            starred.add(name)
    refreshed = "RFT, three rounds, reward model refreshed"
    assert starred == {"best-of-N", "RFT at GRPO's FLOPs", refreshed}
    low, high = axis.get_xlim()
    for method in methods.values():  # every mark with its bar is inside the picture
        for gold in (method["shown"]["gold"], method["at_1"]["gold"]):
            assert low <= gold["low"] <= gold["high"] <= high
    lines = [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1]
    for base in (result["base"], result["base_at_1"]):
        assert base["gold"]["mean"] in lines
    trained = {n: m["shown"]["gold"]["mean"] for n, m in methods.items() if n != "best-of-N"}
    best = max(trained, key=trained.get)
    assert best in drawn.summary
    assert f"{trained[best]:.2f}" in drawn.summary
    assert drawn.summary in capsys.readouterr().out


def test_the_frontier_has_columns_of_what_it_took():
    result = results.load("frontier")
    (axis,) = plots.frontier(result, quiet=True).axes
    rows = {}
    for text in axis.texts:
        rows.setdefault(round(text.xy[1], 3), []).append(text.get_text())
    heads = ["gold", "at T", "tokens", "TFLOPs"]
    assert heads in [row[-4:] for row in rows.values()]
    for y, label in enumerate(axis.get_yticklabels()):
        if (name := label.get_text().rstrip("*")) in result["methods"]:
            method = result["methods"][name]
            assert rows[y] == [
                f"{method['shown']['gold']['mean']:.2f}",
                f"{method['shown']['temperature']:g}",
                f"{method['cost']['tokens'] / 1e3:,.0f} k",
                f"{method['cost']['flops'] / 1e12:.2f}",
            ]


def test_variants_of_a_method_share_its_colour():
    assert plots.method_colour("DPO, three rounds") == plots.method_colour("DPO")
    assert len({plots.method_colour(n) for n in ("RFT", "DPO", "GRPO", "PPO", "best-of-N")}) == 5


def test_a_method_is_drawn_along_its_dials():
    result = results.load("frontier")
    grid = result["methods"]["PPO"]["grid"]
    dials = list(grid)[-1]
    drawn = plots.frontier_at(result, "PPO", dials)
    assert f"PPO with {dials}: at T = 1 gold {grid[dials]['at_1']['gold']['mean']:.2f}" in (
        drawn.summary
    )
    for axis, reward in zip(drawn.axes, ("gold", "proxy"), strict=True):
        for point in grid.values():  # every run that was tried is inside the picture
            kl, value = point["at_1"]["kl"]["mean"], point["at_1"][reward]["mean"]
            assert axis.get_xlim()[0] <= kl <= axis.get_xlim()[1]
            assert axis.get_ylim()[0] <= value <= axis.get_ylim()[1]
