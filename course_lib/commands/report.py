"""``course report`` and ``course export``: what is in a pool, for people and for other tools."""

from argparse import Namespace

from ..base import free_to_write
from .show import show


def report_command(args: Namespace) -> None:
    from ..experiments import pool_report, report_text
    from ..pools import read_pool

    pool = read_pool(args.pool, args.skip_bad, args.keys)
    result = pool_report(pool, args.by, args.gold, args.k)
    show(result, args.json, lambda: report_text(pool, result))


def export_command(args: Namespace) -> None:
    from ..pools import read_pool, write_rollouts

    free_to_write(args.out, args.force)
    pool = read_pool(args.pool, args.skip_bad, args.keys)
    write_rollouts(pool, args.out, args.shape)
    print(f"→ {args.out}")
