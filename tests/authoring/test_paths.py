"""The core path of a lesson, and what its prose weighs."""

import pytest

from course_lib.authoring import paths, prose
from course_lib.base import CourseError


def text(source, *tags):
    return {"cell_type": "markdown", "source": source, "metadata": {"tags": list(tags)}}


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": list(outputs)}


PAGE = [
    text("# Title\n\nOne two three."),
    code("import numpy as np\nx = 1"),
    text("## Deeper: more"),
    text("Four five. ### not a heading"),
    code("y = [k for k in range(x)]"),
    text("### Inner\n\nSix."),
    text("```\n## no heading\n```"),
    text("## Next\n\nSeven."),
    code("print(x)"),
    text("## Deeper: last"),
    code("x = 2"),
    text("---\n\n← before", "navigation"),
]


def test_a_deeper_part_ends_before_the_next_heading_of_its_level():
    assert [int(d) for d in paths.in_deeper(PAGE)] == [0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]
    assert [cell["source"] for cell in paths.core_of(PAGE)][1:3] == [
        PAGE[1]["source"],
        PAGE[7]["source"],
    ]


def test_a_deeper_heading_stands_alone():
    with pytest.raises(CourseError, match="cell of its own"):
        paths.in_deeper([text("## Deeper: more\n\nText.")])
    assert paths.in_deeper([text("`## Deeper: x` in words")]) == [False]


@pytest.mark.parametrize(
    "cells, faults",
    [
        (PAGE, []),
        ([*PAGE[:8], code("print(y)")], ["y: print(y)"]),
        ([*PAGE[:8], code("def f():\n    return y")], ["y: def f():"]),
        ([*PAGE[:4], code("x = 2"), PAGE[7], code("x + 1")], ["x: x + 1"]),
        ([*PAGE[:4], code("x = 2"), PAGE[7], code("x = 3"), code("x + 1")], []),
        ([*PAGE[:4], code("[x for x in 'ab']"), PAGE[7], code("x")], []),
        ([*PAGE[:4], code("import math as m"), PAGE[7], code("m.pi")], ["m: m.pi"]),
    ],
)
def test_what_the_core_borrows(cells, faults):
    assert paths.borrowed(cells) == faults


def test_words_sentences_hedges_and_decimals():
    shown = {"output_type": "stream", "text": "mean 1.25 [−.5, 0.75], version 3.11.7\n"}
    table = {"data": {"text/html": "<td>2.5</td><img alt='9.5'><figcaption>4.5</figcaption>"}}
    card = {"data": {"text/html": "<div data-ck='{}'>1.5 2.5</div>"}}
    cells = [
        text("[![Open](a.svg)](https://x.y)\n\n# A title\n\n| a | b |\n|---|---|\n| 1.5 | $x$ |"),
        text("Take $n = 2$ of `pool.texts[0]`, [as here](https://x.y). Perhaps two; it may be."),
        text("- one point\n- another. It seems so"),
        text("**On this page:** [A](#a)", "contents"),
        code("1.5", shown, table, card),
    ]
    counts = prose.prose(cells)
    assert counts.words == 2 + 4 + 6 + 5 + 2 + 4
    assert counts.sentences == (6, 5, 2, 1, 3)
    assert counts.hedged == {"A title": ["perhaps", "may", "seems"]}
    assert counts.decimals == 3 + 1
    assert counts.median == 3 and counts.over == 0


def test_core_and_whole():
    core, whole = prose.core_and_whole(PAGE)
    assert core.words == 1 + 3 + 1 + 1 and whole.words > core.words
