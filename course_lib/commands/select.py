"""``course select``: step 3, keeping candidates."""

from argparse import Namespace
from typing import TYPE_CHECKING

from ..base import require

if TYPE_CHECKING:  # torch is not imported before it is needed
    from ..pools import Pool, Selection


def select_command(args: Namespace) -> None:
    from ..pools import (
        matched_control,
        preference_pairs,
        read_pool,
        write_pairs,
        write_selection,
    )

    pool = read_pool(args.pool, args.skip_bad, args.keys)
    if args.pairs:
        rows = preference_pairs(pool, by=args.by)
        write_pairs(rows, args.out)
        print(f"{len(rows)} pairs → {args.out}")
        return
    chosen = selected(pool, args)
    if args.control:
        chosen = matched_control(chosen, args.seed)
    write_selection(chosen.to_rows(), args.out)
    print(f"{chosen} → {args.out}")


def selected(pool: "Pool", args: Namespace) -> "Selection":
    """The selection that ``--rule`` makes, with those of ``--by``, ``-k``, ``--seed`` it takes."""
    from ..pools import RULES

    known = ", ".join(RULES)
    require(args.rule in RULES, f"no selection rule {args.rule!r}; the rules are: {known}.")
    rule = RULES[args.rule]
    dropped = []
    if args.by is not None and "by" not in rule.options:
        dropped.append(f"--by {args.by}")
    if args.k is not None and "k" not in rule.options:
        dropped.append(f"-k {args.k}")
    require(
        not dropped, f"the rule {args.rule!r} does not take {' or '.join(dropped)}; leave it out."
    )
    return rule(pool, **rule.from_options(by=args.by, k=args.k, seed=args.seed))
