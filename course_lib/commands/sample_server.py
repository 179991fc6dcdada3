"""``course sample --engine server``: candidates from an OpenAI-compatible server."""

import argparse
from argparse import Namespace

from ..base import require
from .engines import asked
from .options import positive

URL = "http://localhost:8000/v1"
ASKING = ("per_request", "logprobs", "skip_failed")
HERE = ("policy", "device", "address", "workers", "part")  # what no server is asked


def server_arguments(p: argparse.ArgumentParser) -> None:
    """What ``--engine server`` needs to know."""
    group = p.add_argument_group(
        "--engine server",
        "Candidates from a server that others run (vLLM, SGLang, TGI, any that speaks\n"
        "OpenAI's protocol). What is done stands in OUT.partial.jsonl: the same command\n"
        "goes on from there. Each request has a seed of its own, but no server promises\n"
        "equal replies again.",
    )
    group.add_argument("--url", help=f"the server's, such as {URL}")
    group.add_argument("--model", help="the name it is served under (default: the only one)")
    group.add_argument(
        "--api-key-env",
        metavar="VAR",
        help="the environment variable that holds the server's key, not the key itself",
    )
    group.add_argument("--at-once", type=positive, default=32, help="requests in flight")
    group.add_argument(
        "--per-minute", type=float, metavar="N", help="begin at most N requests a minute"
    )
    group.add_argument(
        "--per-request",
        type=positive,
        metavar="N",
        help="candidates a request (default: all of a prompt's; SGLang with "
        "--enable-deterministic-inference needs 1)",
    )
    group.add_argument(
        "--tries", type=positive, default=8, help="of a request, until its prompt is given up"
    )
    group.add_argument(
        "--skip-failed",
        action="store_true",
        help="leave out prompts that the server refuses (too long, say) or never answers; without "
        "it they end the job once all others are done",
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=600,
        metavar="SECONDS",
        help="without a byte from the server, until a try counts as failed",
    )
    group.add_argument(
        "--logprobs",
        choices=("auto", "model", "none"),
        default="auto",
        help="auto keeps them at temperature 1 without filters, where every server's are the "
        "model's own; model says that this server's always are, as vLLM's where nobody set its "
        "--logprobs-mode; none asks for none",
    )


def server_command(args: Namespace) -> None:
    """The work of ``course sample --engine server``."""
    require(
        args.url, f"--engine server needs the server's address: --url {URL}, or wherever it is."
    )
    for name in HERE:
        require(
            getattr(args, name, None) is None,
            f"--{name} is not for --engine server: the model is the server's, named with --model.",
        )
    from ..scale.endpoint import key_in
    from ..scale.on_server import sample_on_server
    from ..scale.server import Connection
    from ..worlds import load_world

    connection = Connection(
        url=args.url,
        model=args.model,
        key=key_in(args.api_key_env),
        at_once=args.at_once,
        per_minute=args.per_minute,
        tries=args.tries,
        timeout=args.timeout,
    )
    given = asked(args)
    given["asking"] |= {name: getattr(args, name) for name in ASKING}
    served = sample_on_server(
        load_world(args.world, args.data),
        args.out,
        connection,
        force=args.force,
        **given,
    )
    print(f"{served} → {args.out}")
