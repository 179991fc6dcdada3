"""What proves ex08's check of diagnose: probes, wrong solutions, other right ones."""

import numpy as np

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "diagnose")


@proof.probe()
def diagnose_inputs(rng):
    for _ in range(60):
        yield (
            {
                "train_in_test": float(rng.choice([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.5])),
                "cut": float(rng.choice([0.0, 0.01, 0.03, 0.04, 0.05, 0.07, 0.3])),
                "distinct": float(rng.choice([0.1, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8])),
                "proxy_change": float(rng.integers(-4, 13) / 8),
                "gold_change": float(rng.integers(-8, 17) / 8),
                "control_gold_change": float(rng.integers(-8, 17) / 8),
            },
        )


def _gain(facts):
    """What gold rose by more than for the control."""
    return facts["gold_change"] - facts["control_gold_change"]


FAULTS = ("leak", "cut", "copies", "proxy", "control")


def _diagnose(facts, order=FAULTS, **other):
    """The reference with one rule or the order exchanged."""
    rules = {
        "leak": facts["train_in_test"] > 0,
        "cut": facts["cut"] > 0.05,
        "copies": facts["distinct"] < 0.35,
        "proxy": facts["proxy_change"] > 0 >= facts["gold_change"],
        "control": _gain(facts) < 0.25,
        **other,
    }
    return next((name for name in order if rules[name]), "none")


@proof.wrong(says="not a later one")
def last_wins(facts):
    return _diagnose(facts, FAULTS[::-1])


@proof.wrong(says="not a later one")
def gold_first(facts):
    return _diagnose(facts, ("proxy", "leak", "cut", "copies", "control"))


@proof.wrong(says="needs both of its conditions")
def gold_fell(facts):
    return _diagnose(facts, proxy=facts["gold_change"] <= 0)


@proof.wrong(says="Is rule 5 reached")
def no_control(facts):
    return _diagnose(facts, control=False)


@proof.wrong(says="Is rule 5 reached")
def proxy_less_control(facts):
    gain = facts["proxy_change"] - facts["control_gold_change"]
    return _diagnose(facts, control=gain < 0.25)


@proof.wrong(says="Is rule 5 reached")
def nested(facts):
    name = _diagnose(facts)
    return "none" if name == "control" and facts["proxy_change"] > 0 else name


@proof.wrong(says="Which is subtracted from which")
def control_less_gold(facts):
    gain = facts["control_gold_change"] - facts["gold_change"]
    return _diagnose(facts, control=gain < 0.25)


@proof.wrong(says="gold rose too")
def proxy_alone(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > 0)


@proof.wrong(says="gold rose less than the proxy, but it rose")
def proxy_above_gold(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > facts["gold_change"])


@proof.wrong(says="which is not above 0.")
def leak_at_zero(facts):
    return _diagnose(facts, leak=facts["train_in_test"] >= 0)


@proof.wrong(says="does a later line overwrite")
def last_else(facts):
    return "control" if _gain(facts) < 0.25 else "none"


@proof.wrong(says="the difference is what rule 5")
def not_subtracted(facts):
    apart = facts["gold_change"] < 0.25 or facts["control_gold_change"] > 0.75
    return _diagnose(facts, control=apart)


@proof.wrong(says="Keep the sign of the difference")
def absolute_gap(facts):
    return _diagnose(facts, control=abs(_gain(facts)) < 0.25)


@proof.wrong(says="exactly 0.05")
def at_least(facts):
    return _diagnose(facts, cut=facts["cut"] >= 0.05)


@proof.wrong(says="exactly 0.35")
def at_most(facts):
    return _diagnose(facts, copies=facts["distinct"] <= 0.35)


@proof.wrong(says="gold did not change at all")
def gold_below(facts):
    return _diagnose(facts, proxy=facts["proxy_change"] > 0 and facts["gold_change"] < 0)


@proof.wrong(says="0.6, which is not below")
def copies_turned(facts):
    return _diagnose(facts, copies=facts["distinct"] > 0.35)


@proof.wrong(says="hardly differ")
def no_copies(facts):
    return _diagnose(facts, copies=False)


@proof.wrong(says="some training prompts are test prompts")
def always_copies(facts):
    return "copies"


@proof.wrong(says="does every way through it end in a return")
def no_last_return(facts):
    name = _diagnose(facts)
    return name if name != "none" else None


@proof.wrong(says="one name")
def all_faults(facts):
    return [name for name in FAULTS if _diagnose(facts, (name,)) == name]


@proof.wrong(says="Is another threshold used")
def tenth(facts):
    return _diagnose(facts, cut=facts["cut"] > 0.1)


@proof.wrong(says="is the share rounded")
def two_digits_of_each(facts):
    return _diagnose({key: round(value, 2) for key, value in facts.items()})


@proof.wrong(says="one training prompt in a hundred")
def small_leaks_pass(facts):
    return _diagnose(facts, leak=facts["train_in_test"] > 0.05)


@proof.wrong(says="asks nothing of the proxy")
def needs_a_rise(facts):
    rose = facts["proxy_change"] > -0.2
    return _diagnose(facts, control=rose and _gain(facts) < 0.25)


@proof.right
def five_ifs(facts):
    if facts["train_in_test"] > 0:
        return "leak"
    if facts["cut"] > 0.05:
        return "cut"
    if facts["distinct"] < 0.35:
        return "copies"
    gold = facts["gold_change"]
    if facts["proxy_change"] > 0 and not gold > 0:
        return "proxy"
    return "none" if gold - facts["control_gold_change"] >= 0.25 else "control"


@proof.right
def with_an_array(facts):
    f = {k: np.float64(v) for k, v in facts.items()}
    holds = np.array(
        [
            f["train_in_test"] > 0,
            f["cut"] > 0.05,
            f["distinct"] < 0.35,
            (f["proxy_change"] > 0) & (f["gold_change"] <= 0),
            f["gold_change"] < f["control_gold_change"] + 0.25,
            True,
        ]
    )
    return [*FAULTS, "none"][int(holds.argmax())]
