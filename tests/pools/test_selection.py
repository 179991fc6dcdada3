"""Selection rules: what each keeps, its ties, its randomness.

And that controls never look at the reward.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.base import CourseError
from course_lib.estimators import mean_similarity
from course_lib.pools import (
    RULES,
    Pool,
    Selection,
    best_per_prompt,
    distinct_paths,
    matched_control,
    overall_control,
    preference_pairs,
    random_overall,
    random_per_prompt,
    regularised_best,
    rso,
    select_best,
    soft_best,
    threshold,
    top_k_overall,
)


def make_pool(rewards, texts=None, name="gold"):
    """A pool from a list of reward rows, ragged rows allowed; texts default to 't<i>.<j>'."""
    texts = texts or [[f"t{i}.{j}" for j in range(len(row))] for i, row in enumerate(rewards)]
    return Pool.from_candidates(
        [f"p{i}" for i in range(len(rewards))], texts, rewards={name: rewards}
    )


def chosen(selection):
    return list(
        zip(selection.prompt_index.tolist(), selection.candidate_index.tolist(), strict=True)
    )


@pytest.fixture
def small():
    return make_pool([[1.0, 3.0, 2.0], [5.0, 5.0, 4.0], [0.0, -1.0, 0.5]])


@pytest.fixture
def ragged():
    """Three, one, no and two candidates."""
    return make_pool([[1.0, 3.0, 2.0], [7.0], [], [-2.0, -1.0]])


@pytest.fixture(scope="module")
def large():
    return make_pool(np.random.default_rng(0).normal(size=(2000, 8)).tolist())


# ---- Selection


def test_selection_reads_back_what_was_kept(small):
    s = Selection(small, [0, 0, 2], [2, 0, 1], weights=[1, 2, 0.5], rule="mine", settings={"a": 1})
    assert len(s) == 3
    assert s.prompts == ["p0", "p0", "p2"]
    assert s.texts == ["t0.2", "t0.0", "t2.1"]
    assert s.rewards().tolist() == s.rewards("gold").tolist() == [2.0, 1.0, -1.0]
    assert s.per_prompt.tolist() == [2, 0, 1]
    assert s.mask.tolist() == [[True, False, True], [False] * 3, [False, True, False]]
    assert s.prompt_index.dtype == s.candidate_index.dtype == torch.int64
    assert s.weights.dtype == torch.float32
    assert s.to_rows()[1] == {
        "prompt": "p0",
        "completion": "t0.0",
        "prompt_index": 0,
        "candidate_index": 0,
        "weight": 2.0,
        "finish_reason": "stop",
    }
    assert repr(s) == "Selection(3 of 9 candidates, from 2 of 3 prompts, by mine)"


def test_weights_are_one_unless_given(small):
    assert best_per_prompt(small).weights.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "prompt, candidate, weights, message",
    [
        ([0, 3], [0, 0], None, "1 of 2 indices are outside this pool of 3 prompts"),
        ([0], [-1], None, "outside this pool"),
        ([0, 1], [0], None, "of one length"),
        ([0], [0], [1.0, 2.0], "of one length"),
        ([1, 1], [2, 2], None, "selected twice"),
    ],
)
def test_selection_refuses_bad_indices(small, prompt, candidate, weights, message):
    with pytest.raises(CourseError, match=message):
        Selection(small, prompt, candidate, weights)


def test_selection_refuses_a_missing_candidate(ragged):
    with pytest.raises(CourseError, match="missing candidate"):
        Selection(ragged, [1], [1])


def test_concat_keeps_texts_rewards_weights_and_rules(small):
    other = make_pool([[9.0, 8.0, 9.5]], texts=[["a", "b", "c"]])
    parts = [top_k_overall(small, k=2), Selection(other, [0], [2], weights=[0.25], rule="mine")]
    joined = Selection.concat(parts)
    assert joined.texts == parts[0].texts + ["c"] and joined.prompts == parts[0].prompts + ["p0"]
    assert joined.rewards().tolist() == [5.0, 5.0, 9.5]
    assert joined.weights.tolist() == [1.0, 1.0, 0.25]
    assert joined.per_prompt.tolist() == [0, 2, 0, 1]
    assert joined.rule == "concat"
    assert [part["rule"] for part in joined.settings["parts"]] == ["top_k_overall", "mine"]
    assert matched_control(joined).per_prompt.tolist() == [0, 2, 0, 1]
    with pytest.raises(CourseError, match="at least one"):
        Selection.concat([])


# ---- best, top-k, and their controls


def test_best_per_prompt_takes_the_highest_and_the_first_of_equals(small):
    assert chosen(best_per_prompt(small)) == [(0, 1), (1, 0), (2, 2)]
    two = [[(0, 1), (0, 2)], [(1, 0), (1, 1)], [(2, 2), (2, 0)]]
    assert chosen(best_per_prompt(small, "gold", k=2)) == sum(two, [])
    assert select_best is best_per_prompt
    assert best_per_prompt(small).settings == {"by": "gold", "k": 1}


def test_ties_go_to_the_lowest_index_even_in_wide_pools():
    pool = make_pool([[1.0] * 50, [0.0] * 20 + [1.0] * 30])
    assert chosen(best_per_prompt(pool)) == [(0, 0), (1, 20)]
    assert chosen(top_k_overall(pool, k=51))[-1] == (1, 20)


def test_missing_candidates_are_skipped(ragged):
    assert chosen(best_per_prompt(ragged, k=2)) == [(0, 1), (0, 2), (1, 0), (3, 1), (3, 0)]
    assert chosen(top_k_overall(ragged)) == [(0, 1), (0, 2), (0, 0), (1, 0)]
    assert chosen(top_k_overall(ragged, k=6)) == [(0, 1), (0, 2), (0, 0), (1, 0), (3, 1), (3, 0)]


def test_top_k_overall_prefers_easy_prompts(small):
    kept = top_k_overall(small)
    assert len(kept) == small.P and chosen(kept) == [(1, 0), (1, 1), (1, 2)]
    assert chosen(top_k_overall(small, k=1)) == [(1, 0)]


def test_which_reward_is_asked_for_decides(small):
    pool = small.with_reward("proxy", [[9.0, 0, 0], [0, 0, 9.0], [0, 9.0, 0]])
    assert chosen(best_per_prompt(pool, "proxy")) == [(0, 0), (1, 2), (2, 1)]
    with pytest.raises(CourseError, match="say which with by="):
        best_per_prompt(pool)
    with pytest.raises(CourseError, match="no reward 'silver'"):
        best_per_prompt(pool, "silver")
    with pytest.raises(CourseError, match="no reward yet; score it first"):
        best_per_prompt(replace(pool, rewards={}))


def run_rule(name, pool, **settings):
    return RULES[name](pool, **({"k": 2} if name == "rso" else {}), **settings)


@pytest.mark.parametrize("name", [name for name in RULES if not name.startswith("random")])
@pytest.mark.parametrize(
    "bad, message", [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")]
)
def test_every_rule_refuses_nan_and_infinity(name, bad, message):
    pool = make_pool([[1.0, 2.0], [0.0, 1.0]])
    pool.sum_logprobs = torch.zeros(2, 2)
    pool.rewards["gold"][1, 0] = bad
    with pytest.raises(CourseError, match=message):
        run_rule(name, pool)


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_works_on_a_ragged_pool_and_is_recorded(name, ragged):
    ragged.sum_logprobs = torch.zeros(4, 3)
    ragged.sum_logprobs[~ragged.present] = math.nan
    kept = run_rule(name, ragged)
    assert len(kept) > 0 and kept.rule == name
    assert not (kept.mask & ~ragged.present).any() and kept.per_prompt[2] == 0
    again = run_rule(name, ragged)
    assert chosen(kept) == chosen(again), "the same call must keep the same candidates"
    if "reward" in RULES[name].needs:
        assert kept.settings["by"] == "gold"


@pytest.mark.parametrize("name", list(RULES))
def test_prompts_come_in_order(name, large):
    pool = large.prompts_at(range(50))
    pool.sum_logprobs = torch.zeros(50, 8)
    index = run_rule(name, pool).prompt_index
    assert (index[1:] >= index[:-1]).all()


PER_PROMPT = [rule for rule in RULES.values() if "k" in rule.dials and not rule.dials["k"].overall]


@pytest.mark.parametrize("rule", PER_PROMPT, ids=lambda rule: rule.name)
@pytest.mark.parametrize("k", [0, 4, 1.5])
def test_k_outside_the_pool_is_refused(rule, k, small):
    with pytest.raises(
        CourseError,
        match="k must be a whole number between 1 and 3, the pool's candidates per prompt; "
        f"got {k}",
    ):
        rule(small, k=k)


@pytest.mark.parametrize("rule", [top_k_overall, random_overall])
@pytest.mark.parametrize("k", [0, 7])
def test_k_overall_counts_present_candidates(rule, k, ragged):
    with pytest.raises(CourseError, match=f"between 1 and 6, the candidates in the pool; got {k}"):
        rule(ragged, k=k)


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=0, max_size=5), min_size=1, max_size=5).filter(
        lambda rows: any(rows)
    ),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_best_rules_agree_with_plain_sorting(rows, data):
    pool = make_pool([[float(r) for r in row] for row in rows])
    k = data.draw(st.integers(1, pool.N))
    plain = [
        (i, j)
        for i, row in enumerate(rows)
        for j in sorted(range(len(row)), key=lambda j: (-row[j], j))[:k]
    ]
    assert chosen(best_per_prompt(pool, k=k)) == plain
    everything = sorted(((-r, i, j) for i, row in enumerate(rows) for j, r in enumerate(row)))
    total = data.draw(st.integers(1, len(everything)))
    assert sorted(chosen(top_k_overall(pool, k=total))) == sorted(
        (i, j) for _, i, j in everything[:total]
    )


def test_controls_never_look_at_the_reward(large):
    flipped = large.with_reward("gold", -large.reward())
    for control in (random_per_prompt, random_overall):
        assert chosen(control(large, seed=3)) == chosen(control(flipped, seed=3))
    kept, kept_flipped = threshold(large, minimum=0.5), threshold(flipped, minimum=-99, at_most=1)
    other = Selection(flipped, kept.prompt_index, kept.candidate_index)
    control = chosen(matched_control(kept, 3))
    assert control == chosen(matched_control(other, 3))
    assert control != chosen(matched_control(kept_flipped, 3))
    bad = Selection(large, kept.prompt_index, kept.candidate_index)
    object.__setattr__(bad, "pool", make_pool([[0.0] * 8] * large.P))
    bad.pool.rewards["gold"][:] = math.nan
    assert chosen(matched_control(bad, 3)) == control


CONTROLS = {name: rule.control for name, rule in RULES.items() if rule.control}
CONTROLS["concat"] = matched_control  # of a joined selection


@pytest.mark.parametrize("name", list(CONTROLS))
def test_control_keeps_as_many(name, large):
    pool = large.prompts_at(range(100))
    pool.sum_logprobs = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    if name == "concat":
        kept = Selection.concat([run_rule("threshold", pool)] * 2)
    else:
        kept = run_rule(name, pool)
    control = CONTROLS[name](kept, 5)
    assert len(control) == len(kept) and chosen(control) != chosen(kept)
    if name != "top_k_overall":
        assert torch.equal(control.per_prompt, kept.per_prompt)
    assert chosen(control) != chosen(CONTROLS[name](kept, 6))


def test_controls_of_ragged_pools_stay_inside(ragged):
    for seed in range(30):
        kept = matched_control(threshold(ragged, minimum=-9.0), seed)
        assert kept.per_prompt.tolist() == [3, 1, 0, 2]
        assert len(random_overall(ragged, k=5, seed=seed)) == 5
    assert len(overall_control(top_k_overall(ragged, k=2))) == 2


def test_controls_are_uniform(large):
    expected = large.P / large.N
    counts = torch.bincount(random_per_prompt(large, seed=1).candidate_index, minlength=8)
    assert ((counts - expected).abs() < 4 * math.sqrt(expected)).all()
    # hypergeometric: mean 4, variance 2
    per_prompt = random_overall(large, k=4 * large.P, seed=1).per_prompt.double()
    assert abs(per_prompt.mean() - 4) < 1e-9 and abs(per_prompt.var() - 2) < 0.3


def test_a_prompts_choice_depends_on_seed_and_position_alone(large):
    few = large.prompts_at(range(20))
    for rule in (random_per_prompt, soft_best, rso):
        assert chosen(rule(few, k=2, seed=4)) == chosen(rule(large, k=2, seed=4))[:40]
        assert chosen(rule(few, k=2, seed=4)) != chosen(rule(few, k=2, seed=5))


def test_rules_do_not_share_their_luck_with_the_control(large):
    """At λ → ∞ soft best is a random choice.

    Sharing random numbers would make it its own control.
    """
    a, b = soft_best(large, lam=1e9).candidate_index, random_per_prompt(large).candidate_index
    assert abs((a == b).double().mean() - 1 / 8) < 0.03


@pytest.mark.parametrize("seed", [-1, 1.5, None])
@pytest.mark.parametrize("rule", [random_per_prompt, random_overall, soft_best, rso])
def test_seed_must_be_a_whole_number(rule, seed, small):
    with pytest.raises(CourseError, match="seed must be a whole number"):
        rule(small, seed=seed, k=1)


# ---- soft and regularised


def test_soft_best_has_the_softmax_probabilities():
    pool, lam = make_pool([[0.0, 1.0, 2.5]] * 8000), 1.5
    p = np.exp(np.array([0.0, 1.0, 2.5]) / lam)
    p /= p.sum()
    near = 4 * np.sqrt(0.25 / 8000)  # four standard errors of a share
    picked = soft_best(pool, lam=lam, seed=2).candidate_index.numpy()
    shares = np.bincount(picked, minlength=3) / 8000
    assert np.abs(shares - p).max() < near
    pairs = soft_best(pool, lam=lam, k=2, seed=2).candidate_index.reshape(-1, 2).numpy()
    for a, b in itertools.permutations(range(3), 2):  # one by one, without replacement
        share = np.mean((pairs == (a, b)).all(1))
        assert abs(share - p[a] * p[b] / (1 - p[a])) < near


def test_soft_best_between_its_limits(large):
    assert chosen(soft_best(large, lam=1e-9)) == chosen(best_per_prompt(large))
    mean = [float(soft_best(large, lam=lam).rewards().mean()) for lam in (0.2, 1.0, 5.0)]
    assert mean[0] > mean[1] > mean[2]
    for lam in (0, -1):
        with pytest.raises(CourseError, match="lam must be greater than 0"):
            soft_best(large, lam=lam)


def test_regularised_by_logprob(small):
    small.sum_logprobs = torch.tensor([[-1.0, -9.0, -2.0], [-3.0, -1.0, -9.0], [-1.0, -1.0, -1.0]])
    assert chosen(regularised_best(small, beta=0.0)) == chosen(best_per_prompt(small))
    # prompt 0: 1 − .5, 3 − 4.5, 2 − 1; prompt 1: 5 − 1.5, 5 − .5, 4 − 4.5; prompt 2: as before
    assert chosen(regularised_best(small, beta=0.5)) == [(0, 2), (1, 1), (2, 2)]
    small.sum_logprobs[0, 0] = math.nan
    with pytest.raises(CourseError, match="NaN or infinite"):
        regularised_best(small)


def test_regularised_errors(small):
    with pytest.raises(CourseError, match="no log-probabilities"):
        regularised_best(small)
    with pytest.raises(CourseError, match="must be 'logprob' or 'similarity'; got 'length'"):
        regularised_best(small, regulariser="length")
    with pytest.raises(CourseError, match="beta must be 0 or more; got -1"):
        regularised_best(small, beta=-1, regulariser="similarity")


def test_mean_similarity_is_the_mean_f1_of_word_bags():
    # F1("a b", "a c") = 2·1/4; ("a b", "a a b b") = 2·2/6; ("a c", "a a b b") = 2·1/6
    assert mean_similarity(["a b", "a c", "a a b b"]) == pytest.approx(
        [(1 / 2 + 2 / 3) / 2, (1 / 2 + 1 / 3) / 2, (2 / 3 + 1 / 3) / 2]
    )
    assert mean_similarity(["", "", "x"]).tolist() == [0.5, 0.5, 0.0]
    assert mean_similarity(["alone"]).tolist() == mean_similarity([""]).tolist() == [0.0]
    assert mean_similarity(["", ""]).tolist() == [1.0, 1.0]


def test_regularised_by_similarity_prefers_the_common_answer():
    texts = [["odd reply", "press reset now", "press reset please", "press reset"], ["one"]]
    pool = make_pool([[1.0, 0.9, 0.9, 0.9], [0.0]], texts)
    assert chosen(regularised_best(pool, beta=0.01, regulariser="similarity")) == [(0, 0), (1, 0)]
    assert chosen(regularised_best(pool, beta=1.0, regulariser="similarity")) == [(0, 3), (1, 0)]


# ---- RSO


def rso_probabilities(rewards, beta, k):
    """Exact chance of each set of k accepted candidates.

    By enumerating who is accepted in each round.
    """
    totals = {}

    def go(left, accepted, probability):
        if len(accepted) >= k or not left:
            kept = frozenset(accepted[:k])
            totals[kept] = totals.get(kept, 0) + probability
            return
        top = max(rewards[c] for c in left)
        accepts = [math.exp((rewards[c] - top) / beta) for c in left]
        for pattern in itertools.product((False, True), repeat=len(left)):
            chances = [q if yes else 1 - q for yes, q in zip(pattern, accepts, strict=True)]
            if math.prod(chances):
                out = [c for c, yes in zip(left, pattern, strict=True) if not yes]
                new = [c for c, yes in zip(left, pattern, strict=True) if yes]
                go(out, accepted + new, probability * math.prod(chances))

    go(list(range(len(rewards))), [], 1.0)
    return totals


@pytest.mark.parametrize(
    "rewards, beta, k",
    [([0.0, 1.0, 0.5], 0.7, 1), ([0.0, 1.0, 0.5, 0.9], 0.5, 2), ([2.0, 2.0, 1.0], 1.0, 2)],
)
def test_rso_has_the_brute_force_probabilities(rewards, beta, k):
    trials = 6000
    kept = rso(make_pool([rewards] * trials), beta=beta, k=k, seed=1)
    rows = kept.candidate_index.reshape(trials, k).tolist()
    exact = rso_probabilities(rewards, beta, k)
    assert sum(exact.values()) == pytest.approx(1)
    for subset, probability in exact.items():
        share = sum(frozenset(row) == subset for row in rows) / trials
        assert abs(share - probability) < 4 * math.sqrt(0.25 / trials), subset


def test_rso_limits_and_shortage(large, ragged):
    few = large.prompts_at(range(50))
    cold, best = rso(few, beta=1e-6, k=3), best_per_prompt(few, k=3)
    assert chosen(cold) == chosen(best)
    assert chosen(rso(few, beta=1e9, k=3)) == [(i, j) for i in range(50) for j in range(3)]
    assert rso(ragged, k=2).per_prompt.tolist() == [2, 1, 0, 2]
    with pytest.raises(CourseError, match="beta must be greater than 0; got 0"):
        rso(few, beta=0)


# ---- verifiers


def test_threshold_keeps_all_that_pass_best_first():
    pool = make_pool([[1.0, 0.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.9], [-5.0]])
    assert chosen(threshold(pool)) == [(0, 2), (0, 0), (0, 3)]
    assert chosen(threshold(pool, at_most=2)) == [(0, 2), (0, 0)]
    assert chosen(threshold(pool, minimum=0.9)) == [(0, 2), (0, 0), (0, 3), (1, 3)], (
        "0.9 is kept although float32(0.9) < 0.9"
    )
    assert threshold(pool, minimum=-1.0).per_prompt.tolist() == [4, 4, 0], (
        "missing candidates do not count as 0"
    )
    assert len(threshold(pool, minimum=3.0)) == 0
    with pytest.raises(CourseError, match="at_most must be 1 or more"):
        threshold(pool, at_most=0)


def test_distinct_paths_keeps_the_first_of_each_path():
    texts = [["2+3 5", "3+2 5", "2+3 = 5", "2+3  5", "wrong"], ["2+3 5", "x"]]
    pool = make_pool([[1.0, 1.0, 2.0, 1.0, 0.0], [1.0, 0.0]], texts)
    assert chosen(distinct_paths(pool)) == [(0, 0), (0, 1), (0, 2), (1, 0)], (
        "white space aside, and per prompt"
    )
    by_operands = distinct_paths(pool, key=lambda prompt, text, info: tuple(sorted(text[:3])))
    assert chosen(by_operands) == [(0, 0), (1, 0)]
    assert chosen(distinct_paths(pool, at_most=2)) == [(0, 0), (0, 1), (1, 0)]
    assert chosen(distinct_paths(pool, minimum=0.0))[-1] == (1, 1)


def test_distinct_paths_gives_key_the_prompt_text_and_info():
    pool = Pool.from_candidates(
        ["q"], [["a", "b"]], rewards={"v": [[1.0, 1.0]]}, info=[{"answer": 4}]
    )
    seen = []

    def key(prompt, text, info):
        seen.append((prompt, text, info["answer"]))
        return text

    distinct_paths(pool, key=key)
    assert seen == [("q", "a", 4), ("q", "b", 4)]
    with pytest.raises(CourseError, match="got a list. Return a tuple"):
        distinct_paths(pool, key=lambda prompt, text, info: [text])


# ---- pairs


def test_best_worst_pairs(small):
    pairs = preference_pairs(small)
    keys = ("prompt_index", "chosen_index", "rejected_index", "margin")
    found = [tuple(pair[key] for key in keys) for pair in pairs]
    assert found == [(0, 1, 0, 2.0), (1, 0, 2, 1.0), (2, 2, 1, 1.5)]
    assert pairs[0]["prompt"] == "p0"
    assert pairs[0]["chosen"] == "t0.1" and pairs[0]["rejected"] == "t0.0"
    wide = [pair["prompt_index"] for pair in preference_pairs(small, margin=1.0)]
    assert wide == [0, 2], "strictly more than the margin"


def test_several_pairs_of_a_prompt_share_no_reply(small):
    pool = make_pool([[3.0, 0.0, 2.0, 1.0, 5.0]])
    for rule in ("best_worst", "random"):
        pairs = preference_pairs(pool, rule=rule, k=2)
        assert len({p[side] for p in pairs for side in ("chosen_index", "rejected_index")}) == 4
    found = [(p["chosen_index"], p["rejected_index"]) for p in preference_pairs(pool, k=2)]
    assert found == [(4, 1), (0, 3)]
    assert len(preference_pairs(pool, k=5)) == 2, "five replies make two pairs"
    assert preference_pairs(pool, k=1) == preference_pairs(pool)
    with pytest.raises(CourseError, match="k must be a whole number between 1 and 5"):
        preference_pairs(pool, k=0)


def test_pairs_skip_ties_equal_texts_and_lonely_candidates(ragged):
    pool = make_pool(
        [[1.0, 1.0], [2.0, 1.0], [2.0, 1.0], [0.0]],
        [["a", "b"], ["same", "same"], ["a", "b"], ["a"]],
    )
    for rule in ("best_worst", "random"):
        assert [p["prompt_index"] for p in preference_pairs(pool, rule=rule)] == [2]
        assert [p["prompt_index"] for p in preference_pairs(ragged, rule=rule)] == [0, 3]


def test_random_pairs_choose_the_better_and_follow_the_seed(large):
    pairs = preference_pairs(large, rule="random", seed=1)
    assert len(pairs) == large.P and all(p["margin"] > 0 for p in pairs)
    rewards = large.reward()
    for p in pairs:
        row = rewards[p["prompt_index"]]
        gap = row[p["chosen_index"]] - row[p["rejected_index"]]
        assert gap == pytest.approx(p["margin"], abs=1e-5)
    assert pairs == preference_pairs(large, rule="random", seed=1)
    assert pairs != preference_pairs(large, rule="random", seed=2)
    # E|a − b| of two normals
    assert np.mean([p["margin"] for p in pairs]) == pytest.approx(2 / math.sqrt(math.pi), abs=0.1)


def test_pairs_errors(small):
    with pytest.raises(CourseError, match="'best_worst' or 'random'; got 'worst'"):
        preference_pairs(small, rule="worst")
    with pytest.raises(CourseError, match="margin must be 0 or more"):
        preference_pairs(small, margin=-1)
