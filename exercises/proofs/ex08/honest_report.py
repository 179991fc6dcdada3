"""What proves ex08's check of honest_report: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "honest_report")


@proof.probe()
def honest_report_inputs(rng):
    for k in range(25):
        P, N = int(rng.integers(1, 8)), 1 if k == 0 else int(rng.integers(2, 9))
        yield (
            torch.tensor(rng.integers(-6, 7, (P, N)) / 2.0),
            torch.tensor(rng.integers(-20, 21, (P, N)) / 4.0),
            torch.tensor(rng.integers(0, 64, P) / 64.0),
        )


def _means(chosen, random):
    return {
        "selected": float(chosen.mean()),
        "control": float(random.mean()),
        "difference": float((chosen - random).mean()),
    }


def _at(values, index):
    return values[torch.arange(len(values)), index]


def _drawn(judge, u):
    return _at(judge, (u * judge.shape[1]).long())


@proof.wrong(says="by construction")
def own_mean(selecting, judge, u):
    return _means(selecting.max(dim=1).values, _drawn(judge, u))


@proof.wrong(says="judge must take no part")
def oracle(selecting, judge, u):
    return _means(judge.max(dim=1).values, _drawn(judge, u))


@proof.wrong(says="exchanged")
def exchanged(selecting, judge, u):
    return _means(_at(selecting, judge.argmax(1)), _drawn(selecting, u))


@proof.wrong(says="mean of all candidates, not a random one")
def average_control(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge.mean(1))


@proof.wrong(says="selecting reward of the random candidate")
def control_by_selector(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _drawn(selecting, u))


@proof.wrong(says="sign is turned")
def turned_difference(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": -m["difference"]}


@proof.wrong(says="Keep the sign")
def absolute_differences(selecting, judge, u):
    chosen, random = _at(judge, selecting.argmax(1)), _drawn(judge, u)
    return {
        **_means(chosen, random),
        "difference": float(
            (chosen - random).abs().mean() if len(judge) > 1 else (chosen - random).mean()
        ),
    }


@proof.wrong(says="Multiply by N")
def times_n_less_one(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), _at(judge, (u * (judge.shape[1] - 1)).long()))


@proof.wrong(says="not up or to the nearest")
def rounded(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)),
        _at(judge, (u * judge.shape[1]).round().long().clamp(max=judge.shape[1] - 1)),
    )


@proof.wrong(says="sum over prompts")
def summed(selecting, judge, u):
    return {
        k: v * len(judge)
        for k, v in _means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).items()
    }


@proof.wrong(says="one number")
def not_averaged(selecting, judge, u):
    chosen, random = _at(judge, selecting.argmax(1)), _drawn(judge, u)
    return {"selected": chosen, "control": random, "difference": chosen - random}


@proof.wrong(says="should be a dictionary")
def a_tuple(selecting, judge, u):
    return tuple(_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).values())


@proof.wrong(says="lowest index should")
def last_tie(selecting, judge, u):
    N = judge.shape[1]
    return _means(_at(judge, N - 1 - selecting.flip(1).argmax(1)), _drawn(judge, u))


@proof.wrong(says="by the selecting reward")
def difference_by_selector(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": float((selecting.max(1).values - _drawn(selecting, u)).mean())}


@proof.wrong(says="every index is taken from every row")
def rows_not_paired(selecting, judge, u):
    return {
        **_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)),
        "selected": float(judge[:, selecting.argmax(1)].mean()),
    }


@proof.wrong(says="argmax without dim")
def one_argmax(selecting, judge, u):
    return _means(judge[:, int(selecting.argmax()) % judge.shape[1]], _drawn(judge, u))


@proof.wrong(says="does not follow u")
def first_as_control(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge[:, 0])


@proof.wrong(says="argmax with dim=1")
def over_prompts(selecting, judge, u):
    P, N = judge.shape
    chosen, random = judge[selecting.argmax(0), torch.arange(N)].mean(), _drawn(judge, u).mean()
    return {
        "selected": float(chosen),
        "control": float(random),
        "difference": float(chosen - random),
    }


@proof.wrong(says="lowest selecting reward")
def the_worst(selecting, judge, u):
    return _means(_at(judge, selecting.argmin(1)), _drawn(judge, u))


@proof.wrong(says="its own favourite")
def judge_breaks_ties(selecting, judge, u):
    best = selecting == selecting.max(1, keepdim=True).values
    return _means(judge.masked_fill(~best, -torch.inf).max(1).values, _drawn(judge, u))


@proof.wrong(says="place of the candidate")
def places(selecting, judge, u):
    return _means(selecting.argmax(1).double(), (u * judge.shape[1]).long().double())


@proof.wrong(says="of all rows together")
def best_of_the_table(selecting, judge, u):
    return {**_means(judge.flatten()[selecting.argmax()].expand(len(judge)), _drawn(judge, u))}


@proof.wrong(says="fractions are lost")
def whole_numbers(selecting, judge, u):
    return _means(_at(judge.long(), selecting.argmax(1)).double(), _drawn(judge.long(), u).double())


@proof.wrong(says="rounded. Return it")
def two_digits(selecting, judge, u):
    return {
        key: round(value, 2)
        for key, value in _means(_at(judge, selecting.argmax(1)), _drawn(judge, u)).items()
    }


@proof.wrong(says="not up or to the nearest")
def n_less_one_rounded(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)), _at(judge, (u * (judge.shape[1] - 1)).round().long())
    )


@proof.wrong(says="to round up and take 1 off")
def ceiling_less_one(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)), _at(judge, (u * judge.shape[1]).ceil().long() - 1)
    )


@proof.wrong(says="number of prompts")
def times_p(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)),
        _at(judge, (u * len(judge)).long().clamp(max=judge.shape[1] - 1)),
    )


@proof.wrong(says="one u serves all prompts")
def first_u(selecting, judge, u):
    return _means(_at(judge, selecting.argmax(1)), judge[:, int(u[0] * judge.shape[1])])


@proof.wrong(says="the chance is in u")
def draws_again(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)), _at(judge, torch.randint(judge.shape[1], (len(judge),)))
    )


@proof.wrong(says="every index is taken from every row here. Pair row and index, as")
def control_not_paired(selecting, judge, u):
    return {
        **_means(_at(judge, selecting.argmax(1)), _drawn(judge, u)),
        "control": float(judge[:, (u * judge.shape[1]).long()].mean()),
    }


@proof.wrong(says="less the mean of all candidates")
def less_the_mean(selecting, judge, u):
    m = _means(_at(judge, selecting.argmax(1)), _drawn(judge, u))
    return {**m, "difference": m["selected"] - float(judge.mean())}


@proof.wrong(hidden=True)
def small_n(selecting, judge, u):
    return _means(
        _at(judge, selecting.argmax(1)), _at(judge, (u * judge.shape[1]).long().clamp(max=3))
    )


@proof.right
def report_by_loop(selecting, judge, u):
    chosen, drawn = 0.0, 0.0
    P, N = judge.shape
    for p in range(P):
        best = 0
        for i in range(N):
            if selecting[p, i] > selecting[p, best]:
                best = i
        chosen += float(judge[p, best]) / P
        drawn += float(judge[p, int(float(u[p]) * N)]) / P
    return {"difference": chosen - drawn, "control": drawn, "selected": chosen}


@proof.right
def report_with_numpy(selecting, judge, u):
    selecting, judge, u = (np.asarray(x, dtype=np.float32) for x in (selecting, judge, u))
    chosen = np.take_along_axis(judge, selecting.argmax(1)[:, None], 1)[:, 0]
    drawn = np.take_along_axis(judge, np.floor(u * judge.shape[1]).astype(int)[:, None], 1)[:, 0]
    return {
        "selected": chosen.mean(),
        "control": torch.tensor(drawn.mean()),
        "difference": np.mean(chosen - drawn),
    }
