"""The parser of every ``course`` command: what it is called, what it takes, what it runs."""

import argparse
from collections.abc import Callable

from ..base import VERSION
from .authoring import build_assets_command, build_command, prove_command, release_command
from .doctor import doctor_command
from .engines import engine_arguments
from .finetune import finetune_command
from .grading_parser import add_grade, add_gradebook
from .help import BEGIN, Help, rules_help
from .learning import check_command, findings_command, lab_command, progress_command
from .mark import add_mark
from .options import (
    answers_argument,
    device_argument,
    force_argument,
    minimum_argument,
    numbers,
    policy_arguments,
    positive,
    processes_arguments,
    prompting_arguments,
    reward_argument,
    tier_argument,
    world_arguments,
)
from .plan import add_plan
from .report import export_command, report_command
from .run import run_command
from .sample import sample_command
from .sample_server import server_arguments
from .score import score_command
from .select import select_command
from .train_reward import train_reward_command

# (name, help, function) → the parser of a new command
AddCommand = Callable[[str, str, Callable], argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """The parser of every ``course`` command."""
    parser = argparse.ArgumentParser(prog="course", description=BEGIN, formatter_class=Help)
    parser.add_argument("--version", action="version", version=VERSION)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="no progress bars")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, help: str, function: Callable) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help, description=help, parents=[common], formatter_class=Help
        )
        sub.set_defaults(function=function)
        return sub

    # in the order in which `course --help` lists them
    add_run(command)
    add_sample(command)
    add_score(command)
    add_select(command)
    add_finetune(command)
    add_plan(command)
    add_report(command)
    add_export(command)
    add_findings(command)
    add_check(command)
    add_prove(command)
    add_release(command)
    add_grade(command)
    add_gradebook(command)
    add_mark(command)
    add_progress(command)
    add_train_reward(command)
    add_build_assets(command)
    add_build(command)
    command("lab", "open the course in JupyterLab at lesson 00", lab_command)
    add_doctor(command)
    return parser


# ---- the whole loop, and its steps -------------------------------------------------------------


def add_run(command: AddCommand) -> None:
    p = command(
        "run", "the whole loop, and the table that compares it with its controls", run_command
    )
    world_arguments(p)
    answers_argument(p)
    policy_arguments(p)
    reward_argument(p)
    device_argument(p)
    prompting_arguments(p)
    p.add_argument("-n", type=positive, help="candidates per prompt (default: the tier's)")
    p.add_argument("--temperature", type=float, help="above 0 (default: the tier's)")
    p.add_argument(
        "--temperatures",
        type=numbers,
        metavar="T,T,…",
        help="each method is also shown at the best of these, chosen by gold on other prompts; one "
        "number leaves that out (default: 1,0.7,0.5,0.3,0.1)",
    )
    p.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    p.add_argument("--prompts", type=positive, help="training prompts (default: the tier's)")
    p.add_argument(
        "--held-out",
        type=positive,
        help="held-out prompts for the comparison (default: the tier's, in proportion to "
        "--prompts where that is given, at least 16)",
    )
    rounds_arguments(p)
    p.add_argument(
        "--rule", help="selection rule (default: best_per_prompt; threshold for a verifier)"
    )
    minimum_argument(p)
    tier_argument(p)
    p.add_argument("--epochs", type=float, help="of fine-tuning (default: the tier's)")
    lr_argument(p)
    rollouts_arguments(p)
    p.add_argument(
        "--out",
        help="folder for stages and result.json: a run that is killed goes on from here, a "
        "finished one is shown again; with other settings it is refused",
    )
    p.add_argument(
        "--scratch",
        help="folder for the checkpoints of a training, gigabytes each (default: in --out); on "
        "this machine's own disk where --out is on a network drive",
    )
    engine_arguments(p)
    force_argument(p)
    json_argument(p)
    p.epilog = rules_help()


def json_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument("--json", action="store_true", help="print the result as JSON")


def lr_argument(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--lr",
        type=float,
        help="the highest learning rate (default: by the model, 1e-3 up to 50 million "
        "parameters, 1e-5 above, 2e-4 for LoRA)",
    )


def rounds_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--rounds", type=positive, default=1, help="of sampling and fine-tuning")
    p.add_argument(
        "--start", choices=("base", "last"), default="base", help="what each round fine-tunes"
    )
    p.add_argument(
        "--keep",
        choices=("all", "last"),
        default="all",
        help="train on what all rounds selected, or the last one",
    )


def rollouts_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--rollouts", metavar="FILE.jsonl", help="take replies from a file instead of sampling them"
    )
    rows_arguments(p)


def rows_arguments(p: argparse.ArgumentParser) -> None:
    """What every command takes that reads a file of rollouts or pairs."""
    p.add_argument(
        "--skip-bad",
        action="store_true",
        help="skip broken lines of the file instead of stopping",
    )
    p.add_argument(
        "--keys",
        metavar="FIELD=KEY,...",
        help="what is what in a file of no known shape: prompt=doc.question,responses=outputs,"
        "rewards=scores,answer=gold (or chosen=...,rejected=...)",
    )


def add_sample(command: AddCommand) -> None:
    p = command("sample", "step 1: sample a pool of candidates", sample_command)
    world_arguments(p)
    tier_argument(p, "by this machine; the CPU's for a world with a policy of its own")
    policy_arguments(p)
    device_argument(p)
    prompting_arguments(p)
    p.add_argument("-n", type=positive, help="candidates per prompt (default: the tier's)")
    p.add_argument("--temperature", type=float, help="0 is greedy, with -n 1 (default: the tier's)")
    p.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    p.add_argument(
        "--split", choices=("train", "heldout"), default="train", help="of the world's prompts"
    )
    p.add_argument("--prompts", type=positive, help="how many (default: all there are)")
    p.add_argument("--top-p", type=float, default=1.0, help="the nucleus; 1 switches it off")
    p.add_argument(
        "--top-k", type=int, default=0, help="draw from so many likeliest tokens; 0 switches it off"
    )
    p.add_argument(
        "--method",
        choices=("sample", "beam", "diverse_beam"),
        default="sample",
        help="how replies are found; the two searches do not draw",
    )
    engine_arguments(p, "server")
    p.add_argument(
        "--out",
        required=True,
        help="the pool to write: .npz; or in parts .jsonl, .parquet, or a name without an ending "
        "for a folder",
    )
    force_argument(p)
    server_arguments(p)


def add_score(command: AddCommand) -> None:
    p = command("score", "step 2: add a reward to a pool", score_command)
    p.add_argument("pool", help="a pool (.npz, or a folder of parts) or a rollouts file (.jsonl)")
    world_arguments(p)
    answers_argument(p)
    reward_argument(p)
    device_argument(p)
    engine_arguments(p)
    p.add_argument(
        "--name", help="the reward's name in the pool (default: proxy, gold or verifier)"
    )
    rows_arguments(p)
    p.add_argument(
        "--out",
        help="the pool to write, named as for `course sample` (default: the reward is added to "
        "the same file, whose other rewards stay)",
    )
    force_argument(p)


def add_select(command: AddCommand) -> None:
    p = command(
        "select", "step 3: keep candidates; writes TRL's prompt/completion lines", select_command
    )
    p.add_argument(
        "pool", help="a scored pool (.npz, or a folder of parts) or a rollouts file (.jsonl)"
    )
    p.add_argument("--by", help="the reward to select by (default: the pool's only one)")
    p.add_argument("--rule", default="best_per_prompt", help="selection rule, see below")
    p.add_argument(
        "-k",
        type=positive,
        help="how many to keep, per prompt or overall (default: the rule's own)",
    )
    minimum_argument(p)
    p.add_argument(
        "--control", action="store_true", help="the rule's matched random control instead"
    )
    p.add_argument(
        "--pairs",
        action="store_true",
        help="write prompt/chosen/rejected pairs (best against worst) instead",
    )
    p.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    rows_arguments(p)
    p.add_argument("--out", required=True, help="the JSONL file to write")
    force_argument(p)
    p.epilog = rules_help()


def add_finetune(command: AddCommand) -> None:
    p = command("finetune", "step 4: fine-tune a policy on selected replies", finetune_command)
    p.add_argument("selection", help="JSONL with prompt and completion (from `course select`)")
    world_arguments(p)
    tier_argument(p, "none, and the defaults named below")
    policy_arguments(p)
    device_argument(p)
    p.add_argument(
        "--epochs", type=float, help="passes over the replies (default: the tier's, or 3)"
    )
    lr_argument(p)
    p.add_argument(
        "--batch-size", type=positive, help="replies a step (default: the tier's, or 32)"
    )
    p.add_argument(
        "--accumulate",
        type=positive,
        help="parts a step is cut into, to save memory (default: the tier's, or 1)",
    )
    p.add_argument(
        "--dtype",
        choices=("float32", "float16", "bfloat16"),
        help="mixed precision on a GPU (default: the tier's, or float32)",
    )
    p.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    rows_arguments(p)
    processes_arguments(p)
    p.add_argument("--out", required=True, help="folder of the new policy")
    force_argument(p)


# ---- pools and pairs ---------------------------------------------------------------------------


def add_report(command: AddCommand) -> None:
    p = command(
        "report", "what is in a pool: rewards, lengths, best-of-n curves, pass@k", report_command
    )
    p.add_argument("pool", help="a pool (.npz) or a rollouts file (.jsonl)")
    p.add_argument("--by", help="selecting reward (default: the first that is not gold)")
    p.add_argument("--gold", help="evaluating reward (default: gold when the pool has it)")
    p.add_argument(
        "-k",
        type=positive,
        action="append",
        help="pass@k for this k, at most the candidates of a prompt; may be repeated (default: 1, "
        "2, 4 ... and all)",
    )
    rows_arguments(p)
    json_argument(p)


def add_export(command: AddCommand) -> None:
    p = command("export", "write a pool as JSONL in a shape other tools read", export_command)
    p.add_argument("pool", help="a pool (.npz) or a rollouts file")
    p.add_argument("--shape", default="prompt/responses/rewards", help="the keys of a line")
    rows_arguments(p)
    p.add_argument("--out", required=True, help="the JSONL file to write")
    force_argument(p)


def add_train_reward(command: AddCommand) -> None:
    p = command(
        "train-reward",
        "train a reward model on preference pairs and report on held-out ones",
        train_reward_command,
    )
    p.add_argument(
        "pairs", help="JSONL with prompt/chosen/rejected, or hh-rlhf dialogues (may be gzip'd)"
    )
    p.add_argument(
        "--policy", help="backbone to start from (default: a tiny Qwen3 with random weights)"
    )
    p.add_argument("--held-out", type=float, default=0.2, help="share of pairs held out")
    p.add_argument("--epochs", type=float, default=2.0, help="passes over the pairs")
    lr_argument(p)
    p.add_argument(
        "--max-length", type=positive, default=512, help="tokens of a dialogue that are read"
    )
    p.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    rows_arguments(p)
    device_argument(p)
    processes_arguments(p)
    p.add_argument("--out", help="folder for the reward model (default: it is not kept)")
    force_argument(p)
    json_argument(p)


# ---- readers of the course ---------------------------------------------------------------------


def add_findings(command: AddCommand) -> None:
    p = command(
        "findings",
        "measure the course's findings: estimate, interval, and whether each holds",
        findings_command,
    )
    p.add_argument("--lesson", help="only this lesson's, such as 1 or 01 (default: all)")
    json_argument(p)


def add_check(command: AddCommand) -> None:
    p = command(
        "check",
        "run your exercise notebook in a fresh kernel and say where you stand",
        check_command,
    )
    p.add_argument("exercise", help="an exercise, such as ex01, or the path of its notebook")
    json_argument(p)


def add_progress(command: AddCommand) -> None:
    p = command(
        "progress",
        "the map of ideas: questions answered, points in exercises, what is mastered and what "
        "is due again",
        progress_command,
    )
    json_argument(p)


def add_doctor(command: AddCommand) -> None:
    p = command(
        "doctor", "what is installed, which device, which tier, and what to do", doctor_command
    )
    json_argument(p)


# ---- authors and instructors -------------------------------------------------------------------


def add_prove(command: AddCommand) -> None:
    p = command(
        "prove",
        "prove the checks of the exercises: wrong solutions rejected, right ones accepted",
        prove_command,
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="exercises, such as ex01 (default: all)"
    )
    json_argument(p)


def add_release(command: AddCommand) -> None:
    p = command(
        "release",
        "write what students get of an exercise, and draw the cohort's secret seed",
        release_command,
    )
    p.add_argument("names", nargs="*", metavar="NAME", help="exercises, such as ex01")
    p.add_argument("--all", action="store_true", help="every exercise")
    p.add_argument("--out", required=True, help="folder for the bundles")
    p.add_argument(
        "--cohort", help="a name, such as spring-27: its secret seed is drawn and kept in --keys"
    )
    p.add_argument(
        "--keys",
        default="release-keys.json",
        help="file of the cohorts' secret seeds, outside --out",
    )
    p.add_argument("--nbgrader", action="store_true", help="with nbgrader's cell metadata")


def add_build_assets(command: AddCommand) -> None:
    p = command("build-assets", "make the bundled models and pools again", build_assets_command)
    p.add_argument("--out", help="folder (default: the package's own)")
    p.add_argument(
        "--miniature",
        action="store_true",
        help="a minute's version of the same steps, for testing; needs --out",
    )
    p.add_argument(
        "--world",
        choices=("helpdesk", "helpdesk-careful", "arithmetic", "temperatures"),
        help="only this world's (default: all; temperatures: the help desk's policy at "
        "other temperatures)",
    )
    p.add_argument(
        "--check",
        action="store_true",
        help="compare the files with the manifest instead of building",
    )
    force_argument(p)


def add_build(command: AddCommand) -> None:
    p = command("build", "make the notebooks from their sources", build_command)
    p.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="lessons and exercises to build, such as 01 or ex01 (default: all)",
    )
    p.add_argument(
        "--solved",
        metavar="DIR",
        help="only write the solved exercises into DIR, which must not be part of the repository",
    )
    p.add_argument(
        "--check",
        action="store_true",
        help="only compare the notebooks with their sources; nothing is run or written",
    )
    p.add_argument(
        "--no-execute", action="store_true", help="write the notebooks without running them"
    )
    force_argument(p)
