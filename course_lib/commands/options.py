"""Options that several commands share: how prompts are asked, what ends a reply, overwriting."""

import argparse
import re
from collections.abc import Iterable

from .help import world_names

# as in experiments/tiers.py, which is slow to import
TIER_NAMES = ("cpu", "small", "t4", "mid", "big", "mps")
ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


def positive(text: str) -> int:
    """A whole number, for argparse. That it is at least 1 the library says in its own words."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them, for argparse."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected numbers with commas between them, such as 1,0.5,0.1; got {text!r}"
        ) from None


def unescaped(text: str) -> str:
    r"""``text`` with ``\n``, ``\t`` and ``\\`` read as in Python: shells pass them on as typed."""
    return re.sub(r"\\([nt\\])", lambda match: ESCAPES[match[1]], text)


def one_of(names: Iterable[str]) -> str:
    """The names as a reader would list them: "a, b or c"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def world_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--world", default="helpdesk", help=one_of(world_names()))
    p.add_argument("--data", help="folder with the world's data (gsm8k: train.jsonl, test.jsonl)")


def answers_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--answers",
        choices=("lenient", "strict"),
        help="how a verifier reads replies: strict takes only what stands behind #### or A: "
        "(default: the world's; gsm8k lenient, arithmetic strict)",
    )


def policy_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--policy", help="causal LM: a folder or a hub name (default: the tier's)")
    p.add_argument(
        "--template",
        choices=("chat", "plain"),
        help="how prompts are written: by the tokenizer's chat template, or as bare text "
        "(default: chat; plain for a base model, whose name ends in -Base or -pt or whose "
        "tokenizer has no chat template)",
    )


def reward_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument("--reward", help="reward model (a folder or hub name), gold, or verifier")


def tier_argument(p: argparse.ArgumentParser, default: str = "by this machine") -> None:
    p.add_argument(
        "--tier",
        choices=TIER_NAMES,
        help=f"sizes, models and precision for a machine (default: {default}; see `course doctor`)",
    )


def device_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument("--device", help="cpu, cuda, mps ... (default: cuda when there is one)")


def prompting_arguments(p: argparse.ArgumentParser) -> None:
    """How a model is asked, and what ends its reply."""
    p.add_argument(
        "--shots",
        type=int,
        metavar="K",
        help="solved examples before each question, in plain prompts (default: 4 for a base "
        "model on a world with solutions, else 0)",
    )
    p.add_argument(
        "--stop",
        action="append",
        type=unescaped,
        metavar="TEXT",
        help=r"text that ends a reply, beside the model's own end tokens; may be repeated, and \n "
        "is a new line (default: none; the next question's beginning in plain prompts with shots)",
    )
    p.add_argument(
        "--max-tokens",
        type=positive,
        help="the most tokens of a reply (default: the world's or the tier's, whichever is less)",
    )
    p.add_argument(
        "--prompts-file",
        metavar="FILE",
        help="your own prompts in place of the world's: .txt, one a line, or .jsonl with a text "
        "or a list of chat messages under 'prompt'",
    )


def force_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--force",
        action="store_true",
        help="replace what is at the place of the output; without it nothing is",
    )


def minimum_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--minimum",
        type=float,
        help="the least reward that the rules threshold and distinct_paths keep (default: 1, for a "
        "verifier; must be given for other rewards, whose zero means nothing)",
    )


def processes_arguments(parser: argparse.ArgumentParser) -> None:
    """Training in several processes: --engine accelerate, how many, and how they are started."""
    parser.add_argument(
        "--engine",
        choices=("here", "accelerate"),
        default="here",
        help="in this process, or in several that accelerate starts, one a GPU",
    )
    parser.add_argument(
        "--processes",
        type=positive,
        help="with --engine accelerate: how many (default: one a GPU, or what the file says)",
    )
    parser.add_argument(
        "--accelerate-config",
        metavar="FILE",
        help="with --engine accelerate: a file of `accelerate config`, for several machines; "
        "or ddp or fsdp, see docs/at_work.md",
    )
