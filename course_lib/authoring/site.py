"""The website: from the executed notebooks to a folder of pages that need no server and no network.

``python -m course_lib.authoring.site`` (``make site``) gathers lessons, exercises and the pages of
``docs/`` in ``site/build/src``, in the repository's own layout so that their links hold, and lets
Sphinx with MyST-NB write ``site/build/html``. Theme and settings lie in ``site/``. Nothing is
executed: what a page shows is what the committed notebook holds.
"""

import argparse
import base64
import dataclasses
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..base import CourseError, require
from .facts import Facts, exercise_facts, lesson_facts
from .links import Page, Pages, colab, linked, pages_of
from .places import ROOT

LARGEST = 1_500_000  # bytes of one page with what it needs
NEEDS = ("sphinx", "myst_nb", "sphinxcontrib.katex")
INSTALL = "pip install -c constraints.txt -e '.[site]'"
# files of the repository that are pages, beside the notebooks
TEXTS = (
    "docs/students.md",
    "docs/instructors.md",
    "docs/teaching.md",
    "docs/grading.md",
    "docs/engineers.md",
    "docs/measured.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
)
# (family, package of the npm registry, file); without them pages use the system's own type
FONTS = (
    ("Source Serif 4 Variable", "source-serif-4", "normal"),
    ("Source Serif 4 Variable", "source-serif-4", "italic"),
    ("Inter Variable", "inter", "normal"),
)
ONLY_IN_NOTEBOOKS = {"setup", "contents", "navigation"}  # the site has its own
CARD_SCRIPT = re.compile(r"<script>((?:(?!</script>).)*window\.courseKit.*?)</script>", re.DOTALL)
# (what only the reader of a notebook needs, what the site says in its place)
ON_THE_SITE = (
    (
        "Your answers are kept in `course-progress.json`, in the course's folder, so you can come"
        " back.",
        "Your answers are kept in this browser; [Where you stand](../progress.md) shows them.",
    ),
    (
        "Your answers are kept in `course-progress.json`, in the course's folder.",
        "Your answers are kept in this browser; [Where you stand](../progress.md) shows them.",
    ),
    (
        "Without widgets, answer as the text under each question says, after"
        " `from course_lib.classroom import quiz`.",
        "",
    ),
    ("Without widgets, answer as the text under each question says.", ""),
    ("(On GitHub, and wherever widgets cannot run, you see the first page as a table.)", ""),
    ("work too. Where widgets cannot run, the answers stand below the pairs.)", "work too.)"),
    (
        "Where widgets cannot run you see patient 1 as its author does."
        ' Run `explore.pipeline_clinic(patients, first=3)` for another one, with `show="careful"`'
        " for its careful measurement.",
        "",
    ),
    (
        "The first cell of this page installs the course when you have opened it on Colab. On your"
        " own machine it finds the package and does nothing.",
        "",
    ),
)
BADGE_LINE = re.compile(r"^\[!\[Open in Colab\][^\n]*\n?", re.MULTILINE)
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(\))")


class Kit:
    """The scripts of cards, each kept once in ``_static/kit/`` instead of in every output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def shared(self, html: str, root: str, seen: set[str]) -> str:
        """``html`` with its cards' scripts as files; ``root``: the way from the page to the top.

        ``seen``: the scripts that the page has already.
        """

        def replace(match: re.Match[str]) -> str:
            name = f"{hashlib.sha256(match[1].encode()).hexdigest()[:12]}.js"
            (self.folder / name).write_text(match[1], encoding="utf-8")
            if name in seen:
                return ""
            seen.add(name)
            return f'<script defer src="{root}_static/kit/{name}"></script>'

        return CARD_SCRIPT.sub(replace, html)


def on_the_site(text: str) -> str:
    """Markdown of a lesson without what only the reader of a notebook needs."""
    for there, here in ON_THE_SITE:
        words = r"\s+".join(map(re.escape, there.split()))  # a line may end anywhere
        text = re.sub(words, lambda _, here=here: here, text)
    return re.sub(r"(?<=\d) %(?! ?\d)", "\N{NO-BREAK SPACE}%", text)


def site_notebook(notebook: dict, page: Page, pages: Pages, kit: Kit) -> dict:
    """A notebook as its page shows it: without what only notebooks need, with links."""
    seen: set[str] = set()
    cells = []
    for cell in notebook["cells"]:
        tags = set(cell["metadata"].get("tags", []))
        if tags & ONLY_IN_NOTEBOOKS:
            continue
        cell = json.loads(json.dumps(cell))  # a copy: the caller's cells stay
        if cell["cell_type"] == "markdown":
            text = on_the_site(BADGE_LINE.sub("", "".join(cell["source"])))
            cell["source"] = linked(text, page.folder, pages, page.stem)
        elif cell["metadata"].get("jupyter", {}).get("source_hidden"):
            cell["metadata"]["tags"] = sorted(tags | {"hide-input"})
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                html = "".join(output["data"]["text/html"])
                output["data"]["text/html"] = kit.shared(html, "../", seen)
        cells.append(cell)
    return {**notebook, "cells": cells}


def with_whole_links(text: str, page: str, inside: set[str], root: Path, address: str) -> str:
    """Markdown of the file ``page`` whose links to files that are no pages lead to the repository.

    Raises :class:`~course_lib.base.CourseError` for a link to a file that does not exist.
    """

    def replace(match: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(os.path.dirname(page), match[2]))
        target = Path(target).as_posix()
        if target in inside:
            return match[0]
        require((root / target).exists(), f"{page} links to {match[2]}, which is not there.")
        kind = "tree" if (root / target).is_dir() else "blob"
        return f"{match[1]}{address}/{kind}/main/{target}{match[3] or ''}{match[4]}"

    return LINK.sub(replace, text)


def gather(root: Path, source: Path, kit: Kit, only: Sequence[str] | None = None) -> dict[str, Any]:
    """Write the sources of all pages into the folder ``source``; returns what the theme reads.

    ``only``: names of lessons and exercises ("01", "ex01") for a part of the site.
    """
    from .lessons import repository_address

    pages = pages_of(root)
    address = repository_address(root / "pyproject.toml").removesuffix(".git").rstrip("/")
    kept = [page for key, page in _keyed(pages) if not only or key in only]
    own = sorted((root / "site" / "pages").glob("*.md"))
    inside = {page.path for page in kept} | set(TEXTS) | {text.name for text in own}
    for page in kept:
        notebook = json.loads((root / page.path).read_text(encoding="utf-8"))
        notebook = site_notebook(notebook, page, pages, kit)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                cell["source"] = with_whole_links(text, page.path, inside, root, address)
        written(source / page.path, json.dumps(notebook, ensure_ascii=False))
        copied(root / page.path, source.parent / "extra" / "files" / f"{page.stem}.ipynb")
    for name in TEXTS:
        text = with_whole_links(
            (root / name).read_text(encoding="utf-8"), name, inside, root, address
        )
        written(source / name, text)
    for text in own:
        copied(text, source / text.name)
    names = [page.path.removesuffix(".ipynb") for page in kept]
    texts = [name.removesuffix(".md") for name in TEXTS]
    listed = "\n".join([*names, *texts, "map", "progress", "search"])
    index = (source / "index.md").read_text(encoding="utf-8")
    written(source / "index.md", f"{index}\n```{{toctree}}\n:hidden:\n{listed}\n```\n")
    return _theme_facts(root, pages, {page.stem for page in kept}, address)


def _keyed(pages: Pages) -> list[tuple[str, Page]]:
    """("01" or "ex01", page) in the order of reading: each lesson, then its exercise."""
    found = []
    for number, page in pages.lessons.items():
        found.append((number, page))
        exercise = pages.exercise_of(number)
        if exercise:
            found.append((f"ex{exercise}", pages.exercises[exercise]))
    return found


def _theme_facts(root: Path, pages: Pages, kept: set[str], address: str) -> dict[str, Any]:
    """What the theme's templates read: lessons, exercises, neighbours, addresses."""

    def told(facts: Facts) -> dict[str, Any]:
        page = facts.page
        return {
            **dataclasses.asdict(facts),
            "doc": page.path.removesuffix(".ipynb"),
            "name": page.short.partition(": ")[2] if page.folder == "exercises" else page.short,
            "file": f"files/{page.stem}.ipynb",
            "colab": colab(page.path, address),
            "exercise": pages.exercise_of(facts.number) if page.folder == "notebooks" else None,
            "code": f"ex{facts.number}" if page.folder == "exercises" else facts.number,
        }

    lessons = [told(f) for f in lesson_facts(root, pages) if f.page.stem in kept]
    exercises = [told(f) for f in exercise_facts(root, pages) if f.page.stem in kept]
    by_doc = {each["doc"]: each for each in [*lessons, *exercises]}
    beside = {
        doc: [
            (label, by_doc[page.path.removesuffix(".ipynb")])
            for label, page in pages.beside(each["page"]["stem"])
            if page.path.removesuffix(".ipynb") in by_doc
        ]
        for doc, each in by_doc.items()
    }
    return {
        "lessons": lessons,
        "exercises": exercises,
        "by_doc": by_doc,
        "beside": beside,
        "address": address,
    }


def cards(kit: Kit) -> dict[str, str]:
    """The cards of pages that are no notebooks: the hero, the progress, what is due again."""
    from ..classroom import explore, quiz
    from .write import environment

    with tempfile.TemporaryDirectory() as scratch:
        # no reader's answers: the page shows those that the browser keeps
        with environment(COURSE_PROGRESS=str(Path(scratch) / "progress.json")):
            hero = explore.hero().html()
            progress = quiz.progress(".").html()
            review = quiz.review(everything=True).html()
    progress = re.sub(r'(href="[^"]+)\.ipynb', r"\1.html", progress)
    seen: set[str] = set()
    return {
        "hero": kit.shared(hero, "", set()),
        "progress": kit.shared(progress, "", seen),
        "review": kit.shared(review, "", seen),
    }


def build_site(
    root: Path = ROOT, out: Path | None = None, only: Sequence[str] | None = None
) -> Path:
    """Build the website into the folder ``out`` (default: site/build/html); returns it.

    What stands in ``out`` is replaced. Raises :class:`~course_lib.base.CourseError` for a package
    that is missing, a warning of Sphinx (a link that leads nowhere is one), and a page that is too
    large.
    """
    missing = [name for name in NEEDS if not _installed(name)]
    require(not missing, f"{', '.join(missing)} is missing: {INSTALL}.")
    out = Path(out or root / "site" / "build" / "html")
    work = out.parent
    source, extra = work / "src", work / "extra"
    for folder in (source, extra, out, work / "jupyter_execute"):
        shutil.rmtree(folder, ignore_errors=True)
    kit = Kit(extra / "_static" / "kit")
    context = gather(root, source, kit, only)
    context |= cards(kit)
    written(extra / "_static" / "fonts.css", fonts(root / "site" / "node_modules"))
    _sphinx(root / "site", source, out, work / "doctrees", context, extra)
    shutil.rmtree(work / "jupyter_execute", ignore_errors=True)
    weigh(out)
    return out


def fonts(modules: Path) -> str:
    """CSS with the site's fonts inside, so that they load from a file too; "" without them."""
    rules = []
    for family, package, style in FONTS:
        folder = modules / "@fontsource-variable" / package / "files"
        path = folder / f"{package}-latin-wght-{style}.woff2"
        if not path.is_file():
            continue
        data = base64.b64encode(path.read_bytes()).decode()
        rules.append(
            f'@font-face{{font-family:"{family}";font-style:{style};font-weight:100 900;'
            f'font-display:swap;src:url(data:font/woff2;base64,{data}) format("woff2")}}'
        )
    return "\n".join(rules)


def _sphinx(
    settings: Path, source: Path, out: Path, doctrees: Path, context: dict[str, Any], extra: Path
) -> None:
    """Run Sphinx. Raises for any warning, with its text."""
    import io

    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    said = io.StringIO()
    changed = {"html_context": context, "html_extra_path": [str(extra)]}
    try:
        app = Sphinx(
            source,
            settings,
            out,
            doctrees,
            "html",
            changed,
            status=None,
            warning=said,
            parallel=os.cpu_count() or 1,
        )
        app.build(force_all=True)
    except SphinxError as error:
        raise CourseError(f"the site could not be built: {error}\n{said.getvalue()}") from error
    require(not said.getvalue().strip(), f"the site has faults:\n{said.getvalue().strip()}")


def weigh(out: Path) -> dict[str, int]:
    """Page → bytes with all its scripts and styles. Raises for a page over 1.5 MB."""
    sizes = {}
    for page in sorted(out.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        size = len(text.encode())
        for used in set(re.findall(r'(?:src|href)="([^":]+\.(?:js|css|svg|png))"', text)):
            size += (page.parent / used).resolve().stat().st_size
        sizes[page.relative_to(out).as_posix()] = size
    heavy = {name: size for name, size in sizes.items() if size >= LARGEST}
    require(not heavy, f"a page stays under {LARGEST / 1e6:g} MB; too large: {heavy}.")
    return sizes


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def written(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def copied(source: Path, target: Path) -> None:
    """Copy a file to ``target``, whose folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m course_lib.authoring.site``."""
    parser = argparse.ArgumentParser(prog="course_lib.authoring.site", description=__doc__)
    parser.add_argument("names", nargs="*", help="lessons and exercises, such as 01 ex01")
    parser.add_argument("--out", type=Path, help="folder (default: site/build/html)")
    args = parser.parse_args(argv)
    try:
        out = build_site(ROOT, args.out, args.names)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    sizes = weigh(out)
    largest = max(sizes, key=sizes.get)
    print(f"{len(sizes)} pages, the largest ({largest}) {sizes[largest] / 1e6:.2f} MB")
    print(f"open {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
