"""``course run``: the four steps end to end, and what they bought."""

import sys
from argparse import Namespace

from ..base import nothing, require, terminal
from .engines import check_engine, engine_of
from .show import show

# what `course run` cannot use where the replies are already there, with its default
SAMPLES = {
    "prompts": None,
    "held_out": None,
    "rounds": 1,
    "rule": None,
    "start": "base",
    "keep": "all",
    "temperature": None,
    "temperatures": None,
    "n": None,
    "max_tokens": None,
    "shots": None,
    "stop": None,
    "prompts_file": None,
    "part": None,
}


def require_no_sampling(args: Namespace) -> None:
    """Raise when an argument about sampling stands beside ``--rollouts``."""
    given = [name for name, default in SAMPLES.items() if getattr(args, name) != default]
    unused = [f"--{name.replace('_', '-')}" for name in given]
    require(
        not unused,
        f"{', '.join(unused)} cannot be used with --rollouts, whose replies are already "
        "sampled; leave it out.",
    )


def announce(line: str) -> None:
    """Say on standard error what is about to be done: standard output is for the result."""
    print(line, file=sys.stderr, flush=True)


def run_command(args: Namespace) -> None:
    check_engine(args)
    if args.rollouts:
        require_no_sampling(args)
    ahead = None
    if args.engine != "here":
        require(
            args.out and not args.rollouts,
            "--engine ray samples into parts on disk: give a folder with --out, and no --rollouts.",
        )
        from ..scale.jobs import Ahead

        ahead = Ahead(engine_of(args))
    from ..experiments import Out, run, table

    result = run(
        world=args.world,
        policy=args.policy,
        reward=args.reward,
        n=args.n,
        prompts=args.prompts,
        rounds=args.rounds,
        seed=args.seed,
        out=Out(args.out, args.force, nothing if args.quiet else announce, ahead),
        data=args.data,
        answers=args.answers,
        tier_name=args.tier,
        rule=args.rule,
        rollouts=args.rollouts,
        skip_bad=args.skip_bad,
        keys=args.keys,
        start=args.start,
        keep=args.keep,
        held_out=args.held_out,
        device=args.device,
        template=args.template,
        epochs=args.epochs,
        lr=args.lr,
        temperature=args.temperature,
        temperatures=args.temperatures,
        minimum=args.minimum,
        max_tokens=args.max_tokens,
        shots=args.shots,
        stop=args.stop,
        prompts_file=args.prompts_file,
        scratch=args.scratch,
        part=args.part,
    )
    show(result, args.json, lambda: table(result, terminal.columns_of(sys.stdout)))
