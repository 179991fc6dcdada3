"""How long explorers take to draw while a slider moves, and how heavy cards and pages are.

    python benchmarks/face.py [--quick] [--json]

Every card of the committed lessons is put on a page of its own in Chromium, and each of its sliders
is moved from one end to the other (``--quick``: by three steps). A step's time is that of the
slider's own handler plus what the figures need to draw. The limit is one frame of a display with
60 pictures a second, 16.7 ms. Beside it stand the size of each card, of each notebook, and of each
page of the website where it has been built (``make site``): limits 400 kB and 1,500 kB. A page
counts what it loads: its HTML, scripts, styles and fonts.
"""

import gzip
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from common import finish, options

ROOT = Path(__file__).resolve().parents[1]
FRAME, NOTEBOOK, PAGE = 16.7, 400, 1500  # ms, kB, kB
KIND = re.compile(r'class="ck[^"]*" data-kind="([^"]+)"')
MOVE = """async ([most]) => {
    const steps = [], kit = window.courseKit;
    const drawn = () => new Promise(r => requestAnimationFrame(() => setTimeout(r)));
    for (const slider of document.querySelectorAll('.ck input[type=range]')) {
        const last = Number(slider.max), jump = Math.max(1, Math.ceil(last / most));
        for (let k = 0; k <= last; k += jump) {
            kit.timings.length = 0;
            const began = performance.now();
            slider.value = k;
            slider.dispatchEvent(new Event('input', {bubbles: true}));
            const handled = performance.now() - began;
            await drawn();
            steps.push(handled + kit.timings.reduce((a, b) => a + b, 0));
        }
    }
    return steps;
}"""


def cards():
    """(lesson, kind, html) of every card in the committed lessons."""
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]*_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                if found := KIND.search(html):
                    yield path.stem.partition("_")[0], found[1], html


def steps_of(browser, html, folder, most):
    """Milliseconds of each step of each slider of one card."""
    file = Path(folder) / "card.html"
    file.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><body><main>{html}</main></body>',
        encoding="utf-8",
    )
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(file.as_uri())
    page.wait_for_selector("[data-on]")
    page.wait_for_timeout(300)
    found = page.evaluate(MOVE, [most])
    page.close()
    return found


def loaded(page):
    """kB that one page of the website loads."""
    text = page.read_text(encoding="utf-8")
    names = set(re.findall(r'(?:src|href)="([^":?#]+\.(?:js|css|svg|woff2))', text))
    files = {(page.parent / name).resolve() for name in names}
    return (len(text.encode()) + sum(f.stat().st_size for f in files if f.is_file())) / 1000


def chromium():
    """The path of a Chromium, or the end of the program with what to do."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        sys.exit("no Chromium found: apt-get install chromium, or set CHROMIUM to its path.")
    return path


def main():
    args = options(__doc__).parse_args()
    from playwright.sync_api import sync_playwright

    rows = []
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for lesson, kind, html in cards():
            steps = sorted(steps_of(browser, html, folder, 3 if args.quick else 40))
            row = {"lesson": lesson, "kind": kind, "kB": len(html) / 1000}
            row["gzipped kB"] = len(gzip.compress(html.encode())) / 1000
            if steps:
                row |= {
                    "steps": len(steps),
                    "median": statistics.median(steps),
                    "p95": steps[int(0.95 * (len(steps) - 1))],
                    "longest": steps[-1],
                }
            rows.append(row)
        browser.close()
    notebooks = {p.stem: p.stat().st_size / 1000 for p in (ROOT / "notebooks").glob("*.ipynb")}
    site = ROOT / "site" / "build" / "html"
    pages = {p.relative_to(site).as_posix(): loaded(p) for p in site.rglob("*.html")}
    moved = [row for row in rows if "p95" in row]
    ratios = {
        "longest median step / one frame": max(row["median"] for row in moved) / FRAME,
        "longest 95th percentile / one frame": max(row["p95"] for row in moved) / FRAME,
        "largest notebook / 400 kB": max(notebooks.values()) / NOTEBOOK,
    }
    if pages:
        ratios["largest page / 1,500 kB"] = max(pages.values()) / PAGE
    lines = ["lesson  kind                  kB  gzipped  steps  median ms     p95  longest"]
    for row in rows:
        times = (
            f"{row['steps']:6} {row['median']:10.1f} {row['p95']:7.1f} {row['longest']:8.1f}"
            if "p95" in row
            else ""
        )
        lines.append(
            f"{row['lesson']:7} {row['kind']:18} {row['kB']:6.0f} {row['gzipped kB']:8.0f} {times}"
        )
    for name, size in (("notebook", notebooks), ("page", pages)):
        if size:
            largest = max(size, key=size.get)
            lines.append(f"largest {name}: {largest}, {size[largest]:.0f} kB")
    result = {
        "ratios": ratios,
        "aims": dict.fromkeys(ratios, 1.0),
        "at_most": list(ratios),
        "rows": rows,
        "notebooks": notebooks,
        "pages": pages,
    }
    finish(args, result, lines)


if __name__ == "__main__":
    main()
