"""``course select``: step 3, keeping candidates."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import free_to_write, require

if TYPE_CHECKING:  # torch is not imported before it is needed
    from ..pools import Pool, Rule, Selection


def select_command(args: Namespace) -> None:
    from ..pools import RULES, preference_pairs, read_pool, write_pairs, write_selection

    free_to_write(args.out, args.force)
    if Path(args.pool).is_dir() and not args.pairs and not args.control:
        if rule_of(args).by_prompt:
            print(f"{select_in_parts(args)} → {args.out}")
            return
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
    rule = rule_of(args)
    caution(rule, pool, args)
    options = {"k": args.k, "seed": args.seed, "minimum": args.minimum}
    return rule(pool, **rule.from_options(by=args.by, **options))


def select_in_parts(args: Namespace) -> str:
    """Select from a folder of parts, with one part and what is kept in memory; in words."""
    from ..pools import Pool, check_keys, pools_in, write_selection

    check_keys(args.pool, args.keys)
    rule, rows, seen, prompts = rule_of(args), [], 0, 0
    options = {"k": args.k, "seed": args.seed, "minimum": args.minimum}
    for pool in map(Pool.light, pools_in(args.pool)):
        if not prompts:
            caution(rule, pool, args)
        chosen = rule(pool, **rule.from_options(by=args.by, **options))
        for row in chosen.to_rows():
            rows.append({**row, "prompt_index": row["prompt_index"] + prompts})
        prompts += pool.P
        seen += int(pool.present.sum())
    write_selection(rows, args.out)
    return f"{len(rows)} of {seen} candidates of {prompts} prompts, by {rule.name}"


def rule_of(args: Namespace) -> "Rule":
    """The rule that ``--rule`` names. Raises where it takes no such options."""
    from ..pools import RULES

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
    return rule


def caution(rule: "Rule", pool: "Pool", args: Namespace) -> None:
    """Say where a rule's least reward means nothing for the pool's."""
    from ..pools import is_verdict

    if rule.has_minimum and args.minimum is None and not is_verdict(pool, args.by):
        print(
            f"course: {args.rule} keeps rewards of at least 1, which means something for a "
            "verifier's verdicts; this reward is a score without a zero. Say the least reward "
            "with --minimum.",
            file=sys.stderr,
        )
