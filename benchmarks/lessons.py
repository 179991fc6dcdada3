"""How long the lessons run: whole, and their core alone, two at a time as on two cores.

    python benchmarks/lessons.py            # all lessons
    python benchmarks/lessons.py 04 05      # some

The limits are ten minutes for the whole course and four for the cores, on two idle cores.
"""

import argparse
import dataclasses
import json
import time
from concurrent.futures import ProcessPoolExecutor

from course_lib import authoring
from course_lib.authoring.lessons import prepare, repository_address
from course_lib.authoring.paths import core_of
from course_lib.authoring.write import run

LIMITS = {"whole": 600, "core": 240}  # seconds


def seconds(source, part):
    """Wall seconds of one lesson in a kernel of its own, start included."""
    address = repository_address(authoring.ROOT / "pyproject.toml")
    lesson = prepare(source, address)
    if part == "core":
        lesson = dataclasses.replace(lesson, cells=core_of(lesson.cells))
    start = time.perf_counter()
    run(lesson, authoring.ROOT / "notebooks")
    return time.perf_counter() - start


def together(sources, part):
    """(seconds of all, two at a time; lesson → its own seconds)."""
    start = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        each = list(pool.map(seconds, sources, [part] * len(sources)))
    names = [source.stem for source in sources]
    return time.perf_counter() - start, dict(zip(names, each, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="lessons, such as 04 (default: all)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sources = authoring.lesson_sources(args.names)
    found = {part: together(sources, part) for part in LIMITS}
    if args.json:
        print(json.dumps({part: {"all": all_, **each} for part, (all_, each) in found.items()}))
        return
    print(f"{'lesson':36}{'whole':>8}{'core':>8}   seconds")
    for source in sources:
        row = (found[part][1][source.stem] for part in LIMITS)
        print(f"{source.stem:36}" + "".join(f"{value:8.0f}" for value in row))
    for part, limit in LIMITS.items():
        total = found[part][0]
        print(f"{part}, two at a time: {total:.0f} s, {total / limit:.2f} of its limit")


if __name__ == "__main__":
    main()
