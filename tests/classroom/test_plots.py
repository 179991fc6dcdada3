import io
import re

import numpy as np
import pytest
from PIL import Image

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import plots
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
        "reward_histogram": plots.reward_histogram(curve, chosen=1.0, quiet=True),
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
        "loop": plots.loop(quiet=True),
    }


def test_every_figure_has_labels_summary_and_small_png(curve):
    for name, figure in drawings(curve).items():
        assert figure.summary.endswith("."), name
        png = figure.png()
        picture = Image.open(io.BytesIO(png))
        assert len(png) < 40_000 and picture.text["Description"] == figure.summary
        for axis in figure.axes:
            if axis.axison:
                assert axis.get_xlabel(), f"{name} lacks a label"
    assert all(axis.get_ylabel() for axis in drawings(curve)["best_of_n"].axes)


def test_notebook_output_carries_alt_text(curve):
    figure = plots.best_of_n(NS, {'gold & "silver"': curve}, quiet=True)
    data, metadata = figure._repr_mimebundle_()
    alt = re.search(r'alt="([^"]*)"', data["text/html"]).group(1)
    assert "gold &amp; &quot;silver&quot;" in alt and data["image/png"] in data["text/html"]
    assert metadata["image/png"]["alt"] == figure.summary and figure.summary in data["text/plain"]
    assert "<Figure" not in data["text/plain"]


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
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert len(labels) == len(result["methods"])
    in_order = sorted(
        result["methods"], key=lambda name: result["methods"][name]["shown"]["gold"]["mean"]
    )
    starred = set()
    for name, label in zip(in_order, labels, strict=True):
        assert label.startswith(name) or name == "best-of-N" and label.startswith("best of ")
        assert f"(T = {result['methods'][name]['shown']['temperature']:g})" in label
        if "*" in label:
            starred.add(name)
    refreshed = "RFT, three rounds, reward model refreshed"
    assert starred == {"best-of-N", "RFT at GRPO's FLOPs", refreshed}
    low, high = axis.get_xlim()
    for method in result["methods"].values():  # every mark with its bar is inside the picture
        for gold in (method["shown"]["gold"], method["at_1"]["gold"]):
            assert low <= gold["low"] <= gold["high"] <= high
    lines = [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1]
    for base in (result["base"], result["base_at_1"]):
        assert base["gold"]["mean"] in lines
    trained = {
        name: m["shown"]["gold"]["mean"]
        for name, m in result["methods"].items()
        if name != "best-of-N"
    }
    best = max(trained, key=trained.get)
    assert best in drawn.summary
    assert f"{trained[best]:.2f}" in drawn.summary
    assert drawn.summary in capsys.readouterr().out


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
