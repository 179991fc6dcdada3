"""``course select``: step 3, keeping candidates."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from ..base import free_to_write, require

if TYPE_CHECKING:  # torch is not imported before it is needed
    from ..pools import Pool, Selection


def select_command(args: Namespace) -> None:
    from ..pools import RULES, preference_pairs, read_pool, write_pairs, write_selection

    free_to_write(args.out, args.force)
    pool = read_pool(args.pool, args.skip_bad, args.keys)
    if args.pairs:
        rows = preference_pairs(pool, by=args.by)
        write_pairs(rows, args.out)
        print(f"{len(rows)} pairs → {args.out}")
        return
    chosen = selected(pool, args)
    if args.control:
        chosen = RULES[args.rule].control_of(chosen, args.seed)
    write_selection(chosen.to_rows(), args.out)
    print(f"{chosen} → {args.out}")


def selected(pool: "Pool", args: Namespace) -> "Selection":
    """The selection that ``--rule`` makes, with those of the options that it takes."""
    from ..pools import RULES, is_verdict

    known = ", ".join(RULES)
    require(args.rule in RULES, f"no selection rule {args.rule!r}; the rules are: {known}.")
    rule = RULES[args.rule]
    dropped = []
    if args.by is not None and "by" not in rule.options:
        dropped.append(f"--by {args.by}")
    if args.k is not None and "k" not in rule.options:
        dropped.append(f"-k {args.k}")
    if args.minimum is not None and not rule.has_minimum:
        dropped.append(f"--minimum {args.minimum}")
    require(
        not dropped, f"the rule {args.rule!r} does not take {' or '.join(dropped)}; leave it out."
    )
    if rule.has_minimum and args.minimum is None and not is_verdict(pool, args.by):
        print(
            f"course: {args.rule} keeps rewards of at least 1, which means something for a "
            "verifier's verdicts; this reward is a score without a zero. Say the least reward "
            "with --minimum.",
            file=sys.stderr,
        )
    options = {"k": args.k, "seed": args.seed, "minimum": args.minimum}
    return rule(pool, **rule.from_options(by=args.by, **options))
