"""Write docs/measured.md: what was measured, from stored pools, stored results and the findings.

    python benchmarks/measured.py [--check]

With --check nothing is written: the status is 1 when the page differs from what would be written.
The part on speed is kept as it stands in the page, between its marks: those numbers come from
benchmarks that compare with a peer in one run, on a machine that is named beside them.
"""

import argparse
import sys
from pathlib import Path

import common  # noqa: F401  (offline, and encodings)

from course_lib import assets, results
from course_lib.assets import temperatures
from course_lib.base import read_json
from course_lib.estimators import best_of_n_curve
from course_lib.experiments import findings, real_run
from course_lib.experiments.findings import stored

PAGE = Path(__file__).parents[1] / "docs" / "measured.md"
SPEED = ("<!-- speed: kept as it is -->", "<!-- end of speed -->")
MINUS = "−"


def show(v, digits=2, sign=False):
    """An interval, stored or as an object, as text."""
    if not isinstance(v, dict):
        v = {"mean": v.mean, "low": v.low, "high": v.high}
    spec = f"{'+' if sign else ''}.{digits}f"
    text = f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"
    return text.replace("-", MINUS)


def table(head, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def worlds():
    """The temperature and best-of-n on the help desk, and over-optimisation."""
    pools = temperatures.pools()
    shown = sorted(pools, reverse=True)
    rows = []
    for name, by, n in (
        ("one reply", "gold", 1),
        ("best of 4 by reward-8000", "reward-8000", 4),
        ("best of 16", "reward-8000", 16),
        ("best of 64", "reward-8000", 64),
        ("best of 16 by reward-500", "reward-500", 16),
        ("best of 16 by gold, the ceiling", "gold", 16),
    ):
        cells = [
            f"{best_of_n_curve(pools[t].reward(by), pools[t].reward('gold'), [n]).mean():.2f}"
            for t in shown
        ]
        rows.append([name, *(cell.replace("-", MINUS) for cell in cells)])
    pool = stored()
    gold = pool.reward("gold")
    sizes = [1, 4, 16, 64, 256]
    chosen = {
        f"{count:,} comparisons": pool.reward(f"reward-{count}") for count in (125, 500, 2000, 8000)
    }
    chosen |= {
        "2,000 comparisons, + 0.1 · log π": pool.reward("reward-2000") + 0.1 * pool.sum_logprobs,
        "log-probability, no reward": pool.sum_logprobs,
    }
    curves = []
    for name, values in chosen.items():
        means = best_of_n_curve(values, gold, sizes).mean(0)
        curves.append([name, *(f"{mean:.2f}" for mean in means)])
    return [
        "## The help desk: what a dial can do and what choosing can do",
        "",
        "Gold of the base policy by temperature (`course build-assets`; 64 held-out prompts × 64 "
        "candidates). Most replies that it learned from are stock letters: its likeliest reply is "
        "bland.",
        "",
        *table(["gold", *(f"T = {t:g}" for t in shown)], rows),
        "Gold of the best of n by reward models of different size, T = 1 (128 held-out prompts × "
        "256 candidates; `benchmarks/overoptimisation.py`):",
        "",
        *table(["chosen by", *(f"n = {n}" for n in sizes)], curves),
    ]


def frontier():
    """Every method at one budget."""
    result = results.load("frontier")
    rows = [
        [
            "base policy, one reply",
            "",
            f"{result['base']['temperature']:g}",
            show(result["base"]["gold"]),
            show(result["base_at_1"]["gold"]),
            "",
            "",
            "",
        ]
    ]
    methods = sorted(result["methods"].items(), key=lambda item: -item[1]["shown"]["gold"]["mean"])
    for name, method in methods:
        cost = method["cost"]
        dials = ", ".join(f"{dial} = {value:g}" for dial, value in method["best"].items())
        rows.append(
            [
                name,
                dials,
                f"{method['shown']['temperature']:g}",
                show(method["shown"]["gold"]),
                show(method["at_1"]["gold"]),
                len(method["seeds"]),
                f"{cost['tokens']:,.0f}" if cost["tokens"] else "0",
                f"{cost['flops']:.1e}" if cost["flops"] else "0",
            ]
        )
    gaps = []
    for name, gap in result["rft_minus"].items():
        low, high = gap["corrected"]
        apart = "yes" if gap["low"] > 0 or gap["high"] < 0 else "no"
        corrected = "yes" if low > 0 or high < 0 else "no"
        gaps.append([name, show(gap, sign=True), apart, corrected])
    ppo = result["methods"]["PPO"]["cost"]["tokens_trained"]
    return [
        "## Rejection sampling and RLHF at equal sampled tokens",
        "",
        f"`{result['command']}`: every method may sample {result['size']['budget']:,} tokens "
        f"(the arm at GRPO's FLOPs more) and is served at its own best temperature. Dials and "
        "temperatures are chosen on another seed and on prompts that share no wording with those "
        f"shown. 95 % intervals for {result['population']}.",
        "",
        *table(
            ["", "dials", "T", "gold at T", "gold at 1", "seeds", "tokens sampled", "FLOPs"], rows
        ),
        f"Of PPO's {ppo:,.0f} trained tokens half are the policy's and half the critic's: both "
        "make the same passes.",
        "",
        f"Gold of RFT minus each, at the best temperatures ({len(gaps)} comparisons; the last "
        "column after Bonferroni's correction for their number):",
        "",
        *table(["RFT minus", "gold", "a difference", "corrected"], gaps),
    ]


def pushed():
    """The policies whose replies lesson 07 shows: one of them trained too far."""
    result = results.load("pushed")
    rows = [
        [name, f"{row['temperature']:g}", show(row["gold"]), show(row["reward-8000"])]
        for name, row in result["policies"].items()
    ]
    return [
        f"`{result['command']}`: RFT as above and PPO with ten times the learning rate chosen for "
        "it, one training each, the same questions. The score that trained them is highest where "
        "gold is not:",
        "",
        *table(["", "T", "gold", "reward-8000"], rows),
    ]


def verifiable():
    """RFT with a verifier, and online training."""
    result = results.load("verifiable")
    columns = (
        "heldout at best T, pass@1",
        "heldout, pass@1",
        "heldout, pass@16",
        "majority",
        "templates at best T, pass@1",
    )
    rows = []
    for name, arm in result["arms"].items():
        kept = f"{arm['kept']:,}" if arm["kept"] else ""
        cells = [show(arm[c]) if c in arm else "" for c in columns]
        rows.append([name, kept, arm["seeds"], f"{arm['temperature']:g}", *cells])
    names = [
        f"{split}: distinct - {other}"
        for split in (
            "heldout at best T, pass@1",
            "heldout, pass@16",
            "templates at best T, pass@1",
        )
        for other in ("start", "sft", "control", "same problems", "duplicates")
    ]
    gaps = [
        [name.replace(" - ", " minus "), show(result["differences"][name], 3, True)]
        for name in names
    ]
    passk = results.load("passk")
    wide = f"pass@{passk['ks'][-1]}"
    online = []
    for name in passk["levels"]:
        level, best = passk["levels"][name], passk["levels_at_best"][name]
        minus = passk["minus_start"].get(name)
        temps = ", ".join(f"{t:g}" for t in passk["temperatures"][name])
        online.append(
            [
                name,
                show(level["pass@1"]),
                show(best["pass@1"]),
                temps,
                show(level[wide]),
                show(minus[wide], sign=True) if minus else "",
            ]
        )
    for t, gap in passk["cold_start_minus_start"].items():
        online.append(
            [
                f"start at T = {t}, minus the start at 1",
                show(gap["pass@1"], sign=True),
                "",
                "",
                "",
                show(gap[wide], sign=True),
            ]
        )
    return [
        "## A verifier, where the usual answer misreads",
        "",
        f"`{result['command']}`: {result['size']['problems']:,} problems the policy has not seen, "
        f"{result['size']['steps']} steps for every arm, {result['size']['held_out']} held-out "
        f"problems × {result['size']['n']}. For {result['population']}.",
        "",
        *table(
            [
                "trained on",
                "kept",
                "seeds",
                "best T",
                "pass@1 at best T",
                "pass@1 at 1",
                "pass@16 at 1",
                "majority of 16",
                "other wordings, pass@1 at best T",
            ],
            rows,
        ),
        f"Differences at k = {result['size']['seeds_at']}, three seeds:",
        "",
        *table(["", "difference"], gaps),
        f"`{passk['command']}`: {passk['size']['held_out']} held-out problems × "
        f"{passk['size']['n']}, three seeds, the same number of sampled replies for each.",
        "",
        *table(
            ["", "pass@1 at 1", "at best T", "best T", f"{wide} at 1", f"{wide} minus start"],
            online,
        ),
    ]


def real():
    """Real weights on real problems; nothing where no run is stored."""
    if not (results.FOLDER / "real_weights.json").is_file():
        return []
    result = results.load("real_weights")
    asked = result["asked"]
    longest = asked["longest"]
    kept = f" whose reference has at most {longest} tokens" if longest else ""
    sampled = [
        f"{one['sampled']['replies']:,} replies to {asked['problems']:,} other training problems, "
        f"{one['sampled']['right']:.1%} of them right, {one['sampled']['paths']:,} distinct right "
        f"paths; {one['steps']['after']} more steps for each of three policies "
        f"(seed {one['seed']})"
        for one in result["by_seed"]
    ]
    head, *rows = real_run.table(result)
    more, *gaps = real_run.differences_table(result)
    return [
        "## Real weights: RFT beside its control on GSM8K",
        "",
        f"{result['weights']} · {result['device']} · `{result['command']}`",
        "",
        f"Problems{kept}. SFT on {asked['sft']:,} human solutions; then "
        + "; ".join(sampled)
        + f". {asked['test']:,} test problems, {asked['n_test']} replies each; temperatures are "
        f"chosen on {asked['choose']} training problems. 95 % intervals "
        + (
            "over test problems, for one seed."
            if len(result["by_seed"]) == 1
            else "for other seeds and problems."
        ),
        "",
        *table(head, rows),
        *table(more, gaps),
    ]


def all_findings(measured):
    """Every finding, as measured now."""
    rows = []
    for row in measured:
        v = {"mean": row.estimate, "low": row.low, "high": row.high}
        digits = 0 if abs(row.estimate) >= 100 else 3 if abs(row.estimate) < 0.1 else 2
        rows.append(
            [
                row.finding,
                row.claim,
                row.measures,
                show(v, digits),
                row.seeds,
                "yes" if row.holds else "**no**",
            ]
        )
    return [
        "## Findings",
        "",
        "Numbered by lesson: 4.2 is the second finding of lesson 04. `course findings` measures "
        "them and adds notes and the population each is about. Claims that do not hold stay in "
        "the table.",
        "",
        *table(["", "claim", "what was measured", "estimate", "seeds", "holds"], rows),
    ]


def editions(measured):
    """The first edition beside this one, claim by claim."""
    frontier_now, now = results.load("frontier"), {row.finding: row for row in measured}
    rft = frontier_now["methods"]["RFT"]
    passk = results.load("passk")

    def finding(number, digits=2):
        row = now[number]
        text = show({"mean": row.estimate, "low": row.low, "high": row.high}, digits, True)
        return text + ("" if row.holds else ", does not hold")

    rows = [
        [
            "A dial beats the method",
            "one reply at T = 0.1 had gold 3.28, above best-of-16 (2.48), its ceiling (3.06) and "
            "every trained policy",
            f"best of 16 minus one reply, each at its best T: {finding('2.2')}",
            "The likeliest reply was nearly the best one; now most replies are stock letters, and "
            "it is bland. The old world stays as helpdesk-careful (finding 2.4).",
        ],
        [
            "RFT helps",
            "+1.54 [1.32, 1.78] over its control, both at T = 1; at an equal low temperature "
            "nothing was left",
            f"RFT minus base, each at its best T: {finding('5.2')}",
            "Temperature is a dial of every method, the base included.",
        ],
        [
            "RFT against best-of-n",
            "not asked at best temperatures",
            f"at T = 1 below it ({finding('5.3')}), served colder above it ({finding('5.4')})",
            "RFT distils best-of-n; one cold reply of it costs a sixteenth.",
        ],
        [
            "Confidence as chooser",
            "log-probability beat reward-8000 from n = 16 on",
            f"reward-8000 minus log-probability, n = 16: {finding('4.2')}",
            "Probable replies are no longer the good ones.",
        ],
        [
            "RFT against RLHF",
            "below RLOO, no difference from GRPO and PPO detected; three seeds, intervals that "
            "covered 73 %, T = 1, other schedules for online methods",
            f"RFT minus the best online method: {finding('7.1')}",
            "One schedule, two dials and the temperature for each, intervals by Student's t with "
            "topics as units, differences counted and corrected.",
        ],
        [
            "GRPO collapses",
            f"gold {MINUS}3.54 at a learning rate of 1e-3",
            f"without the division by std minus with it: {finding('7.2')}",
            "In this world GRPO with the division stands; the collapse does not appear.",
        ],
        [
            "A verifier's gain",
            "pass@1 +.041; the untrained policy at T = 0.6 had as much",
            f"RFT minus start, each at its best T: {finding('6.3')}",
            "The usual answer misreads, so sharpening cannot help.",
        ],
        [
            "Online training loses breadth",
            f"pass@32 {MINUS}.060 for GRPO; a colder start lost as much",
            f"GRPO minus the start at T = 0.2, pass@32: {finding('6.5')}",
            "pass@32 against the start at 1: GRPO "
            + show(passk["minus_start"]["GRPO"]["pass@32"], 2, True)
            + ", RFT "
            + show(passk["minus_start"]["RFT"]["pass@32"], 2, True)
            + ".",
        ],
        [
            "Fine-tuning repays itself",
            "after 1,387 queries, against best-of-n of equal quality at T = 1; against one cold "
            "reply never",
            f"after {now['7.4'].estimate:,.0f} queries against best-of-16; over the base at its "
            f"best T it buys {show(rft['over_base'], 2, True)}",
            "The rival is the base at its best temperature.",
        ],
        [
            "Helpful against harmless",
            "the helpful model alone complied 2.6 % of the time, less than chance",
            f"best of 64 by reward-helpful complies more: {finding('4.7')}",
            "A step that was asked for brings helpful points, and harm in the other half.",
        ],
        [
            "Intervals between seeds",
            "seeds and prompts resampled: 68 to 86 % coverage with 3 to 10 seeds",
            "Student's t over seeds and over topics, added in squares: .97, .96, .95",
            "`benchmarks/interval_coverage.py`.",
        ],
    ]
    return [
        "## The first edition beside this one",
        "",
        "Claim by claim: what was said, what is found now, and why it changed.",
        "",
        *table(["", "first edition", "this edition", "what changed"], rows),
    ]


def page(kept):
    """The whole page as text; ``kept``: the part on speed."""
    manifest = read_json(assets.FOLDER / "manifest.json")
    share = float((stored().reward("gold") >= 2).float().mean())
    measured = findings.show().rows
    lines = [
        "# What was measured",
        "",
        "Made by `python benchmarks/measured.py` from stored pools and results; every section "
        "names the command that shows it. The models are small and so are the worlds: shapes are "
        "what carries over, not numbers.",
        "",
        f"Bundled assets: {manifest['bytes'] / 1e6:.1f} MB, made by `course build-assets`: "
        + ", ".join(f"{name} {world['seconds']} s" for name, world in manifest["worlds"].items())
        + " (one thread each, beside other work). Of the base policy's replies "
        + f"{share:.0%} are worth sending (2 points or more).",
        "",
        *worlds(),
        *frontier(),
        *pushed(),
        *verifiable(),
        *real(),
        *all_findings(measured),
        *editions(measured),
        SPEED[0],
        kept.strip("\n"),
        SPEED[1],
        "",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    args = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    kept = before.split(SPEED[0])[1].split(SPEED[1])[0]
    text = page(kept)
    if args.check:
        if text != before:
            print("docs/measured.md is not what the stored results say: run "
                  "`python benchmarks/measured.py`.")  # fmt: skip
        return int(text != before)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
