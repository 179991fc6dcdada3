"""What proves ex08's check of honest_report: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "honest_report")


@proof.probe()
def honest_report_inputs(rng):
    for k in range(25):
        P = int(rng.integers(1, 8))
        N = 1 if k == 0 else int(rng.integers(2, 9))
        yield (
            torch.tensor(rng.integers(-6, 7, (P, N)) / 2.0),
            torch.tensor(rng.integers(-20, 21, (P, N)) / 4.0),
            torch.tensor(rng.integers(0, 64, P) / 64.0),
        )


def _means(chosen, random):
    """The report of two vectors, (P,)."""
    return {
        "selected": float(chosen.mean()),
        "control": float(random.mean()),
        "difference": float((chosen - random).mean()),
    }


def _at(values, index):
    """(P,): of each row the value at its index."""
    return values[torch.arange(len(values)), index]


def _chosen(selecting, judge):
    return _at(judge, selecting.argmax(1))


def _drawn(judge, u):
    return _at(judge, (u * judge.shape[1]).long())


def _right(selecting, judge, u):
    """The right report, for mistakes in a part of it."""
    return _means(_chosen(selecting, judge), _drawn(judge, u))


@proof.wrong(says="by construction")
def own_mean(selecting, judge, u):
    return _means(selecting.max(dim=1).values, _drawn(judge, u))


@proof.wrong(says="judge must take no part")
def oracle(selecting, judge, u):
    return _means(judge.max(dim=1).values, _drawn(judge, u))


@proof.wrong(says="exchanged")
def exchanged(selecting, judge, u):
    return _right(judge, selecting, u)


@proof.wrong(says="mean of all candidates, not a random one")
def average_control(selecting, judge, u):
    return _means(_chosen(selecting, judge), judge.mean(1))


@proof.wrong(says="selecting reward of the random candidate")
def control_by_selector(selecting, judge, u):
    return _means(_chosen(selecting, judge), _drawn(selecting, u))


@proof.wrong(says="sign is turned")
def turned_difference(selecting, judge, u):
    report = _right(selecting, judge, u)
    report["difference"] *= -1
    return report


@proof.wrong(says="Keep the sign")
def absolute_differences(selecting, judge, u):
    report = _right(selecting, judge, u)
    differences = _chosen(selecting, judge) - _drawn(judge, u)
    if len(judge) > 1:
        report["difference"] = float(differences.abs().mean())
    return report


@proof.wrong(says="Multiply by N")
def times_n_less_one(selecting, judge, u):
    index = (u * (judge.shape[1] - 1)).long()
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.wrong(says="not up or to the nearest")
def rounded(selecting, judge, u):
    N = judge.shape[1]
    index = (u * N).round().long().clamp(max=N - 1)
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.wrong(says="sum over prompts")
def summed(selecting, judge, u):
    report = _right(selecting, judge, u)
    return {key: mean * len(judge) for key, mean in report.items()}


@proof.wrong(says="one number")
def not_averaged(selecting, judge, u):
    chosen = _chosen(selecting, judge)
    random = _drawn(judge, u)
    return {"selected": chosen, "control": random, "difference": chosen - random}


@proof.wrong(says="should be a dictionary")
def a_tuple(selecting, judge, u):
    return tuple(_right(selecting, judge, u).values())


@proof.wrong(says="lowest index should")
def last_tie(selecting, judge, u):
    last = judge.shape[1] - 1
    index = last - selecting.flip(1).argmax(1)
    return _means(_at(judge, index), _drawn(judge, u))


@proof.wrong(says="by the selecting reward")
def difference_by_selector(selecting, judge, u):
    differences = selecting.max(1).values - _drawn(selecting, u)
    return {**_right(selecting, judge, u), "difference": float(differences.mean())}


@proof.wrong(says="every index is taken from every row")
def rows_not_paired(selecting, judge, u):
    everywhere = judge[:, selecting.argmax(1)]
    return {**_right(selecting, judge, u), "selected": float(everywhere.mean())}


@proof.wrong(says="argmax without dim")
def one_argmax(selecting, judge, u):
    index = int(selecting.argmax()) % judge.shape[1]
    return _means(judge[:, index], _drawn(judge, u))


@proof.wrong(says="does not follow u")
def first_as_control(selecting, judge, u):
    return _means(_chosen(selecting, judge), judge[:, 0])


@proof.wrong(says="argmax with dim=1")
def over_prompts(selecting, judge, u):
    N = judge.shape[1]
    chosen = judge[selecting.argmax(0), torch.arange(N)].mean()
    random = _drawn(judge, u).mean()
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
    favourites = judge.masked_fill(~best, -torch.inf).max(1).values
    return _means(favourites, _drawn(judge, u))


@proof.wrong(says="place of the candidate")
def places(selecting, judge, u):
    index = (u * judge.shape[1]).long()
    return _means(selecting.argmax(1).double(), index.double())


@proof.wrong(says="of all rows together")
def best_of_the_table(selecting, judge, u):
    best = judge.flatten()[selecting.argmax()]
    return _means(best.expand(len(judge)), _drawn(judge, u))


@proof.wrong(says="fractions are lost")
def whole_numbers(selecting, judge, u):
    return _right(selecting, judge.long().double(), u)


@proof.wrong(says="rounded. Return it")
def two_digits(selecting, judge, u):
    report = _right(selecting, judge, u)
    return {key: round(mean, 2) for key, mean in report.items()}


@proof.wrong(says="not up or to the nearest")
def n_less_one_rounded(selecting, judge, u):
    index = (u * (judge.shape[1] - 1)).round().long()
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.wrong(says="to round up and take 1 off")
def ceiling_less_one(selecting, judge, u):
    index = (u * judge.shape[1]).ceil().long() - 1
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.wrong(says="number of prompts")
def times_p(selecting, judge, u):
    P, N = judge.shape
    index = (u * P).long().clamp(max=N - 1)
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.wrong(says="one u serves all prompts")
def first_u(selecting, judge, u):
    index = int(u[0] * judge.shape[1])
    return _means(_chosen(selecting, judge), judge[:, index])


@proof.wrong(says="the second call")
def draws_again(selecting, judge, u):
    P, N = judge.shape
    return _means(_chosen(selecting, judge), _at(judge, torch.randint(N, (P,))))


@proof.wrong(says="every index is taken from every row here. Pair row and index, as")
def control_not_paired(selecting, judge, u):
    everywhere = judge[:, (u * judge.shape[1]).long()]
    return {**_right(selecting, judge, u), "control": float(everywhere.mean())}


@proof.wrong(says="minus the mean of all candidates")
def less_the_mean(selecting, judge, u):
    report = _right(selecting, judge, u)
    report["difference"] = report["selected"] - float(judge.mean())
    return report


@proof.wrong(says="larger and less tidy")
def small_n(selecting, judge, u):
    index = (u * judge.shape[1]).long().clamp(max=3)
    return _means(_chosen(selecting, judge), _at(judge, index))


@proof.right
def report_by_einsum(selecting, judge, u):
    P, N = judge.shape
    places = selecting.argmax(1), (u * N).long()
    hot = [torch.nn.functional.one_hot(place, N).float() for place in places]
    return _means(*(torch.einsum("pn,pn->p", one, judge) for one in hot))


@proof.right
def report_by_loop(selecting, judge, u):
    P, N = judge.shape
    chosen, drawn = 0.0, 0.0
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
    best = selecting.argmax(1)[:, None]
    random = np.floor(u * judge.shape[1]).astype(int)[:, None]
    chosen = np.take_along_axis(judge, best, 1)[:, 0]
    drawn = np.take_along_axis(judge, random, 1)[:, 0]
    return {
        "selected": chosen.mean(),
        "control": torch.tensor(drawn.mean()),
        "difference": np.mean(chosen - drawn),
    }
