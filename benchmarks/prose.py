"""What the lessons ask of a reader: words, long sentences, hedges, decimals; core and whole.

    python benchmarks/prose.py            # all lessons
    python benchmarks/prose.py 04 --show  # one, with its longest sentence and its hedges

Counted on the executed notebooks. The limits are those of tests/lessons/test_prose.py.
"""

import argparse
import json

from course_lib import authoring
from course_lib.authoring.paths import borrowed
from course_lib.authoring.prose import core_and_whole


def read(name):
    path = authoring.ROOT / "notebooks" / f"{name}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="lessons, such as 04 (default: all)")
    parser.add_argument("--show", action="store_true", help="longest sentence, hedges, borrowing")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sources = authoring.lesson_sources(args.names)
    rows = {}
    for source in sources:
        cells = read(source.stem)
        core, whole = core_and_whole(cells)
        rows[source.stem] = {
            "core": core.words,
            "whole": whole.words,
            "median": core.median,
            "over 35": core.over,
            "decimals core": core.decimals,
            "decimals": whole.decimals,
            "hedged": whole.hedged,
            "longest": core.longest,
            "borrowed": borrowed(cells),
        }
    if args.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    columns = ("core", "whole", "median", "over 35", "decimals core", "decimals")
    print(f"{'lesson':36}" + "".join(f"{name:>15}" for name in columns))
    for name, row in rows.items():
        print(f"{name:36}" + "".join(f"{row[column]:15g}" for column in columns))
        if row["borrowed"]:
            print(f"   the core reads what a Deeper part sets: {row['borrowed']}")
        if args.show:
            print(f"   longest in the core: {row['longest']}\n   hedged: {row['hedged']}")
    print(f"{'all':36}" + "".join(f"{sum(r[c] for r in rows.values()):15g}" for c in columns[:2]))


if __name__ == "__main__":
    main()
