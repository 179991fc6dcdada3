"""Formulas as MathML, made when pages are built: no script and no font is needed to read them.

KaTeX does it, from the copy in the Python package ``sphinxcontrib-katex``, run by node. Nothing is
fetched.
"""

import html
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..base import CourseError, require

Formula = tuple[str, bool]  # (LaTeX, whether it stands on a line of its own)
RENDER = """
const katex = require(process.argv[1]);
const made = JSON.parse(require("fs").readFileSync(0)).map(([text, displayMode]) => {
  try {
    return [katex.renderToString(text, { displayMode, output: "mathml", throwOnError: true }), ""];
  } catch (error) { return ["", String(error.message)]; }
});
process.stdout.write(JSON.stringify(made));
"""
WRAPPING = re.compile(r'^<span class="katex">|</span>$')
NO_NODE = (
    "node is needed to turn formulas into MathML and was not found. Install Node.js 18 or newer "
    "(https://nodejs.org, or your system's package `nodejs`) and try again. Reading the site "
    "needs no node."
)
NO_KATEX = "sphinxcontrib-katex is missing: pip install -c constraints.txt -e '.[site]'."


def mathml(formulas: Iterable[Formula]) -> dict[Formula, str]:
    """Formula → MathML. One run of node for all of them.

    Raises :class:`~course_lib.base.CourseError` without node, and for a formula KaTeX cannot read.
    """
    asked = list(dict.fromkeys(formulas))
    if not asked:
        return {}
    node = shutil.which("node")
    require(node, NO_NODE)
    package = importlib.util.find_spec("sphinxcontrib.katex")
    require(package is not None and package.origin, NO_KATEX)
    script = Path(package.origin).with_name("katex.min.js")
    ran = subprocess.run(
        [node, "-e", RENDER, str(script)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if ran.returncode:
        raise CourseError(f"node could not run KaTeX: {ran.stderr.strip()[-400:]}")
    made = json.loads(ran.stdout)
    for (text, _), (_, error) in zip(asked, made, strict=True):
        require(not error, f"the formula {text!r} cannot be read: {error}")
    found = zip(asked, made, strict=True)
    return {formula: WRAPPING.sub("", markup) for formula, (markup, _) in found}


FORMULA = re.compile(
    r"(?P<kept>^(?:```|~~~).*?^(?:```|~~~)[^\n]*$|(`+).+?\2(?!`))"
    r"|\$\$(?P<block>.+?)\$\$"
    r"|(?<![\\$])\$(?![\s$])(?P<line>(?:[^$\\]|\\.)+?)\$",
    re.MULTILINE | re.DOTALL,
)
ANNOTATION = re.compile(r"<annotation.*?</annotation>", re.DOTALL)
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def formulas_in(text: str) -> list[Formula]:
    """The formulas of a markdown text, code left out."""
    return [_formula(match) for match in FORMULA.finditer(text) if not match["kept"]]


def with_formulas(text: str, made: dict[Formula, str]) -> str:
    """Markdown ``text`` with MathML in place of its formulas, safe from markdown's own marks."""

    def replace(match: re.Match[str]) -> str:
        if match["kept"]:
            return match[0]
        formula = _formula(match)
        markup = _shielded(made[formula])
        return f'<span class="math-block">{markup}</span>' if formula[1] else markup

    return FORMULA.sub(replace, text)


def _formula(match: re.Match[str]) -> Formula:
    return (match["block"] or match["line"]).strip(), bool(match["block"])


def _shielded(markup: str) -> str:
    """MathML on one line whose characters between tags mean nothing to markdown."""
    parts = re.split(r"(<[^>]*>)", ANNOTATION.sub("", markup).replace("\n", " "))
    for k in range(0, len(parts), 2):
        plain = html.unescape(parts[k])
        parts[k] = PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", plain)
    return "".join(parts)
