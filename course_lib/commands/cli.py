"""The ``course`` command."""

import argparse
import json
import os
import sys
from pathlib import Path

from .. import __version__
from ..base import CourseError, progress


def positive(text):
    """A whole number of at least 1, for argparse.

    The library's own message for anything else comes later.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def add_sampling(parser):
    parser.add_argument("-n", type=positive, help="candidates per prompt")
    parser.add_argument("--temperature", type=float, help="0 is greedy (with -n 1)")
    parser.add_argument("--seed", type=int, default=0)


def add_source(parser, policy=True, reward=True):
    parser.add_argument("--world", default="helpdesk", help="helpdesk, arithmetic or gsm8k")
    parser.add_argument(
        "--data", help="folder with the world's data (gsm8k: train.jsonl, test.jsonl)"
    )
    if policy:
        parser.add_argument(
            "--policy", help="causal LM: a folder or a hub name (default: the tier's)"
        )
        parser.add_argument(
            "--template",
            choices=("chat", "plain"),
            default="chat",
            help="plain gives prompts as bare text",
        )
    if reward:
        parser.add_argument(
            "--reward", help="reward model (a folder or hub name), gold, or verifier"
        )
    parser.add_argument("--device", help="cpu, cuda ... (default: cuda when there is one)")


def build_parser():
    """The parser of every ``course`` command."""
    parser = argparse.ArgumentParser(
        prog="course", description="Rejection sampling for LLM fine-tuning: the course's command."
    )
    parser.add_argument("--version", action="version", version=__version__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="no progress bars")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, help, function):
        sub = commands.add_parser(name, help=help, description=help, parents=[common])
        sub.set_defaults(function=function)
        return sub

    p = command(
        "run", "the whole loop, and the table that compares it with its controls", run_command
    )
    add_source(p)
    p.add_argument("-n", type=positive, help="candidates per prompt")
    p.add_argument("--temperature", type=float, help="above 0")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--prompts", type=positive, help="training prompts")
    p.add_argument("--held-out", type=positive, help="held-out prompts for the comparison")
    p.add_argument("--rounds", type=positive, default=1)
    p.add_argument(
        "--start", choices=("base", "last"), default="base", help="what each round fine-tunes"
    )
    p.add_argument(
        "--keep",
        choices=("all", "last"),
        default="all",
        help="train on what all rounds selected, or the last one",
    )
    p.add_argument(
        "--rule", help="selection rule (default: best_per_prompt; threshold for a verifier)"
    )
    p.add_argument(
        "--tier", choices=("cpu", "t4", "big"), help="sizes and models (default: by this machine)"
    )
    p.add_argument("--epochs", type=float)
    p.add_argument("--lr", type=float)
    p.add_argument(
        "--rollouts", metavar="FILE.jsonl", help="take replies from a file instead of sampling them"
    )
    p.add_argument(
        "--skip-bad",
        action="store_true",
        help="skip broken lines of --rollouts instead of stopping",
    )
    p.add_argument(
        "--out", help="folder for stages and result.json: a run that is killed goes on from here"
    )
    p.add_argument("--json", action="store_true", help="print the result as JSON")

    p = command("sample", "step 1: sample a pool of candidates", sample_command)
    add_source(p, reward=False)
    add_sampling(p)
    p.add_argument("--split", choices=("train", "heldout"), default="train")
    p.add_argument("--prompts", type=positive)
    p.add_argument("--top-p", type=float, default=1.0)
    p.add_argument("--top-k", type=int, default=0)
    p.add_argument("--max-tokens", type=positive)
    p.add_argument("--method", choices=("sample", "beam", "diverse_beam"), default="sample")
    p.add_argument("--out", required=True, help="the pool to write (.npz)")

    p = command("score", "step 2: add a reward to a pool", score_command)
    p.add_argument("pool", help="a pool (.npz) or a rollouts file (.jsonl)")
    add_source(p, policy=False)
    p.add_argument(
        "--name", help="the reward's name in the pool (default: proxy, gold or verifier)"
    )
    p.add_argument("--skip-bad", action="store_true")
    p.add_argument("--out", help="the pool to write (default: the same file)")

    p = command(
        "select", "step 3: keep candidates; writes TRL's prompt/completion lines", select_command
    )
    p.add_argument("pool")
    p.add_argument("--by", help="the reward to select by (default: the pool's only one)")
    p.add_argument("--rule", default="best_per_prompt")
    p.add_argument(
        "-k", type=positive, help="how many to keep (per prompt or overall, by the rule)"
    )
    p.add_argument(
        "--control", action="store_true", help="the rule's matched random control instead"
    )
    p.add_argument(
        "--pairs",
        action="store_true",
        help="write prompt/chosen/rejected pairs (best against worst) instead",
    )
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", required=True, help="the JSONL file to write")

    p = command("finetune", "step 4: fine-tune a policy on selected replies", finetune_command)
    p.add_argument("selection", help="JSONL with prompt and completion (from `course select`)")
    add_source(p, reward=False)
    p.add_argument("--epochs", type=float, default=3.0)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--batch-size", type=positive, default=32)
    p.add_argument("--accumulate", type=positive, default=1)
    p.add_argument(
        "--dtype",
        choices=("float32", "float16", "bfloat16"),
        default="float32",
        help="mixed precision on a GPU",
    )
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", required=True, help="folder of the new policy")

    p = command(
        "report", "what is in a pool: rewards, lengths, best-of-n curves, pass@k", report_command
    )
    p.add_argument("pool")
    p.add_argument("--by", help="selecting reward")
    p.add_argument("--gold", help="evaluating reward (default: gold when the pool has it)")
    p.add_argument("--json", action="store_true")

    p = command("export", "write a pool as JSONL in a shape other tools read", export_command)
    p.add_argument("pool")
    p.add_argument("--shape", default="prompt/responses/rewards")
    p.add_argument("--out", required=True)

    p = command(
        "findings",
        "measure the course's findings: estimate, interval, and whether each holds",
        findings_command,
    )
    p.add_argument("--lesson", help="only this lesson's, such as 01")
    p.add_argument("--json", action="store_true")

    p = command(
        "check",
        "run your exercise notebook in a fresh kernel and say where you stand",
        check_command,
    )
    p.add_argument("exercise", help="an exercise, such as ex01, or the path of its notebook")
    p.add_argument("--json", action="store_true")

    p = command(
        "prove",
        "prove the checks of the exercises: wrong solutions rejected, right ones accepted",
        prove_command,
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="exercises, such as ex01 (default: all)"
    )
    p.add_argument("--json", action="store_true")

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
        help="file of the cohorts' secret seeds, outside --out (default: release-keys.json)",
    )
    p.add_argument("--nbgrader", action="store_true", help="with nbgrader's cell metadata")

    p = command(
        "progress",
        "the map of ideas: questions answered, points in exercises, what is mastered and what "
        "is due again",
        progress_command,
    )
    p.add_argument("--json", action="store_true")

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
    p.add_argument("--epochs", type=float, default=2.0)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--max-length", type=positive, default=512)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--skip-bad", action="store_true")
    p.add_argument("--device")
    p.add_argument("--out", help="folder for the reward model")
    p.add_argument("--json", action="store_true")

    p = command("build-assets", "make the bundled models and pools again", build_assets_command)
    p.add_argument("--out", help="folder (default: the package's own)")
    p.add_argument(
        "--miniature",
        action="store_true",
        help="a minute's version of the same steps, for testing; needs --out",
    )
    p.add_argument(
        "--world",
        choices=("helpdesk", "arithmetic", "temperatures"),
        help="only this world's (default: all; temperatures: the help desk's policy at "
        "other temperatures)",
    )
    p.add_argument(
        "--check",
        action="store_true",
        help="compare the files with the manifest instead of building",
    )

    p = command("build", "make the notebooks from their sources", build_command)
    from ..authoring import add_arguments

    add_arguments(p)

    command("lab", "open the course in JupyterLab at lesson 00", lab_command)
    p = command(
        "doctor", "what is installed, which device, which tier, and what to do", doctor_command
    )
    p.add_argument("--json", action="store_true")
    return parser


def show(result, as_json, text):
    """Print ``result`` as JSON, or ``text()``."""
    print(json.dumps(result, indent=1, ensure_ascii=False) if as_json else text())


def run_command(a):
    from ..base import require

    if a.rollouts:
        unused = [
            f"--{name.replace('_', '-')}"
            for name, default in (
                ("prompts", None),
                ("held_out", None),
                ("rounds", 1),
                ("rule", None),
                ("start", "base"),
                ("keep", "all"),
                ("temperature", None),
                ("n", None),
            )
            if getattr(a, name) != default
        ]
        require(
            not unused,
            f"{', '.join(unused)} cannot be used with --rollouts, whose replies are already "
            "sampled; leave it out.",
        )
    from ..experiments import run, table

    result = run(
        world=a.world,
        policy=a.policy,
        reward=a.reward,
        n=a.n,
        prompts=a.prompts,
        rounds=a.rounds,
        seed=a.seed,
        out=a.out,
        data=a.data,
        tier_name=a.tier,
        rule=a.rule,
        rollouts=a.rollouts,
        skip_bad=a.skip_bad,
        start=a.start,
        keep=a.keep,
        held_out=a.held_out,
        device=a.device,
        template=a.template,
        epochs=a.epochs,
        lr=a.lr,
        temperature=a.temperature,
    )
    show(result, a.json, lambda: table(result))


def sample_command(a):
    from ..assets import resolve
    from ..experiments import tier
    from ..models import load_policy, sample
    from ..worlds import load_world

    world = load_world(a.world, a.data)
    own = getattr(world, "policy", None)
    t = tier("cpu" if own else None)
    policy = load_policy(
        resolve(a.policy or own or t.policy),
        device=a.device,
        system=world.system,
        template=a.template,
    )
    prompts, info = world.prompts(a.split, limit=a.prompts, seed=a.seed)
    pool = sample(
        policy,
        prompts,
        n=t.n if a.n is None else a.n,
        temperature=t.temperature if a.temperature is None else a.temperature,
        top_p=a.top_p,
        top_k=a.top_k,
        max_tokens=min(world.max_tokens, t.max_tokens) if a.max_tokens is None else a.max_tokens,
        seed=a.seed,
        method=a.method,
        memory_mb=t.memory_mb,
        info=info,
    )
    pool.save(a.out)
    print(f"{pool} → {a.out}")


def load_pool(path, skip_bad=False):
    """A pool from an ``.npz`` file, or from rollouts in JSONL."""
    from ..pools import Pool, read_rollouts

    return (
        read_rollouts(path, skip_bad=skip_bad)
        if str(path).removesuffix(".gz").endswith((".jsonl", ".json"))
        else Pool.load(path)
    )


def score_command(a):
    from ..base import require
    from ..experiments import make_reward
    from ..models import score
    from ..worlds import load_world

    pool = load_pool(a.pool, a.skip_bad)
    out = a.out or a.pool
    require(
        str(out).endswith(".npz"),
        f"the scored pool needs a name ending in .npz; got {out}. Give one with --out.",
    )
    require(a.reward, "which reward? Give --reward DIR, gold or verifier.")
    reward = make_reward(a.reward, load_world(a.world, a.data), a.device)
    pool = score(
        pool, reward, a.name or (a.reward if a.reward in ("gold", "verifier") else "proxy")
    )
    pool.save(out)
    print(f"{pool} → {out}")


def select_command(a):
    from ..base import require
    from ..pools import RULES, matched_control, preference_pairs, write_pairs, write_selection

    pool = load_pool(a.pool)
    if a.pairs:
        rows = preference_pairs(pool, by=a.by)
        write_pairs(rows, a.out)
        return print(f"{len(rows)} pairs → {a.out}")
    require(a.rule in RULES, f"no selection rule {a.rule!r}; the rules are: {', '.join(RULES)}.")
    rule = RULES[a.rule]
    dropped = []
    if a.by is not None and "by" not in rule.options:
        dropped.append(f"--by {a.by}")
    if a.k is not None and "k" not in rule.options:
        dropped.append(f"-k {a.k}")
    require(not dropped, f"the rule {a.rule!r} does not take {' or '.join(dropped)}; leave it out.")
    chosen = rule(pool, **rule.from_options(by=a.by, k=a.k, seed=a.seed))
    if a.control:
        chosen = matched_control(chosen, a.seed)
    write_selection(chosen.to_rows(), a.out)
    print(f"{chosen} → {a.out}")


def finetune_command(a):
    import torch

    from ..assets import resolve
    from ..base import free_for_model, require
    from ..methods import finetune
    from ..models import load_policy
    from ..pools import Selection, read_rollouts
    from ..worlds import load_world

    free_for_model(a.out)
    world = load_world(a.world, a.data)
    policy = load_policy(
        resolve(a.policy or getattr(world, "policy", None) or "helpdesk/policy"),
        device=a.device,
        template=a.template,
        system=world.system,
    )
    pool = read_rollouts(a.selection)
    rows, columns = (
        pool.present & torch.tensor([[bool(text) for text in row] for row in pool.texts])
    ).nonzero(as_tuple=True)
    require(len(rows), f"{a.selection} holds no replies to train on.")
    weights = [
        weight_of(pool.info[i].get("weight", 1.0), j)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    chosen = Selection(pool, rows, columns, torch.tensor(weights))
    checkpoint = Path(f"{a.out}.checkpoint.pt")
    student = finetune(
        policy,
        chosen,
        epochs=a.epochs,
        lr=a.lr,
        batch_size=a.batch_size,
        accumulate=a.accumulate,
        seed=a.seed,
        dtype=None if a.dtype == "float32" else getattr(torch, a.dtype),
        checkpoint=checkpoint,
    )
    student.save(a.out)
    checkpoint.unlink(missing_ok=True)
    log = student.training_log
    print(
        f"trained on {len(chosen)} replies, {log.tokens:,} tokens, {log.seconds:.0f} s: loss "
        f"{log.losses[0]:.3f} → {log.losses[-1]:.3f} nats per token → {a.out}"
    )


def weight_of(value, j):
    """The weight of a group's j-th reply.

    Lines of one prompt that differ in weight were read as a list.
    """
    return float(value[j] if isinstance(value, list) else value)


def report_command(a):
    from ..estimators import best_of_n_curve, bootstrap_interval

    pool = load_pool(a.pool)
    by = a.by or next((r for r in pool.rewards if r != "gold"), next(iter(pool.rewards), None))
    gold = a.gold or ("gold" if "gold" in pool.rewards else by)
    complete = bool(pool.present.all())
    result = {
        "prompts": pool.P,
        "candidates": int(pool.present.sum()),
        "cut": float((pool.finish == 1)[pool.present].float().mean()),
        "settings": pool.provenance.to_dict(),
        "rewards": {
            name: bootstrap_interval(v.nanmean(1).double()).to_dict()
            for name, v in pool.rewards.items()
        }
        if pool.P > 1
        else {},
    }
    if by and complete and pool.P > 1:
        ns = [n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if n <= pool.N]
        selecting, evaluating = pool.reward(by), pool.reward(gold)
        curves = {
            name: best_of_n_curve(selecting, r, ns)
            for name, r in ((by, selecting), (gold, evaluating))
        }
        result["best_of_n"] = {
            "selecting": by,
            "evaluating": gold,
            "n": ns,
            **{
                name: [bootstrap_interval(c[:, k]).to_dict() for k in range(len(ns))]
                for name, c in curves.items()
            },
        }

    def text():
        lines = [f"{pool}", f"{result['cut']:.1%} of replies cut at the token limit"]
        lines += [
            f"  {name}: {v['mean']:.3f} [{v['low']:.3f}, {v['high']:.3f}]"
            for name, v in result["rewards"].items()
        ]
        if "best_of_n" in result:
            b = result["best_of_n"]
            lines.append(f"best-of-n, selected by {by}:")
            for k, n in enumerate(b["n"]):
                lines.append(
                    f"  n = {n:4}  "
                    + "  ".join(
                        f"{name} {b[name][k]['mean']:.3f} [{b[name][k]['low']:.3f}, "
                        f"{b[name][k]['high']:.3f}]"
                        for name in dict.fromkeys((by, gold))
                    )
                )
        return "\n".join(lines)

    show(result, a.json, text)


def export_command(a):
    from ..pools import write_rollouts

    write_rollouts(load_pool(a.pool), a.out, a.shape)
    print(f"→ {a.out}")


def train_reward_command(a):
    from ..experiments import train_reward_from_file

    result = train_reward_from_file(
        a.pairs,
        policy=a.policy,
        held_out=a.held_out,
        epochs=a.epochs,
        lr=a.lr,
        max_length=a.max_length,
        seed=a.seed,
        skip_bad=a.skip_bad,
        device=a.device,
        out=a.out,
    )
    show(result, a.json, lambda: result["text"])


def findings_command(a):
    from ..experiments.findings import show as measure

    table = measure(a.lesson)
    show([row.to_dict() for row in table.rows], a.json, lambda: repr(table))


def check_command(a):
    from ..classroom.checks import find_notebook, remember, standing, text_of

    path = find_notebook(a.exercise)
    print(f"Running {path.name} in a fresh Python ...", file=sys.stderr, flush=True)
    rows = standing(path)
    remember(rows)
    show(rows, a.json, lambda: text_of(rows))
    return int(any(row["points"] < row["most"] for row in rows))


def prove_command(a):
    from ..authoring.proofs import prove_command as prove

    return prove(a.names, a.json)


def release_command(a):
    from ..authoring.release import main as release

    return release(a)


def progress_command(a):
    from ..classroom import quiz

    found = quiz.mastery()
    show(found, a.json, lambda: quiz.mastery_text(found))


def build_assets_command(a):
    from ..assets import build

    return build.main(a)


def build_command(a):
    from ..authoring.building import main as build

    return build(a)


def lab_command(a):
    import subprocess

    first = Path(__file__).resolve().parents[1] / "notebooks" / "00_start_here.ipynb"
    if not first.is_file():
        raise CourseError(
            "the notebooks are not beside the package: `course lab` works in a clone of the "
            "repository. Open notebooks/ with jupyter lab there."
        )
    # in containers; Jupyter refuses otherwise
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return subprocess.call(
        [sys.executable, "-m", "jupyter", "lab", *root, str(first.relative_to(first.parents[1]))],
        cwd=first.parents[1],
    )


def doctor_command(a):
    from .doctor import examine, text

    result = examine()
    show(result, a.json, lambda: text(result))
    return 0 if result["ready"] else 1


def main(argv=None):
    """Entry point. Returns the exit status: 0, 1 after a clear error, 130 when interrupted."""
    args = build_parser().parse_args(argv)
    progress.quiet = args.quiet
    try:
        return args.function(args) or 0
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "course: interrupted. Finished stages are kept; run the same command again to go on.",
            file=sys.stderr,
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
