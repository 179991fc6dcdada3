# %% [markdown]
# # Exercise 05: a round of rejection-sampling fine-tuning
#
# **You will:** write the parts of one round with your own hand: the selection with its matched control, a second rule, the loss mask, the loss, and the pool of several rounds. At the end you train with them. Then you judge a report.
#
# **Builds on:** lesson 05, and exercise 01 for `argmax`.
#
# **How it works.** Each task has a cell to fill in and a check below it. Replace the line that says so, run the cell, run the check. A check says what is wrong in words, on the smallest input that shows it, and gives points for each property that holds. Cells that begin with `check.need` use what you wrote and wait until its checks pass.
# Stuck? `check.best_and_control.hint(1)`, then `hint(2)`, then `hint(3)`.

# %%
import numpy as np
import torch

from course_lib.checks import ex05 as check

# %% [markdown] task="best_and_control"
# ## Task 1. The best, and its matched control
#
# For each of $P$ prompts there are $N$ candidates with rewards $R$, shape `(P, N)`. Return two things, in this order:
#
# - `best`: the index of the highest reward of each prompt, shape `(P,)`; of equal rewards the lowest index.
# - `control`: the index $\lfloor u_p \cdot N \rfloor$ of each prompt $p$, shape `(P,)`. The `u` are uniform random numbers in $[0, 1)$, one for each prompt, drawn beforehand, so that your function gives the same result each time.
#
# Both are integers, since both are used to look candidates up. The control is matched: the same prompts, the same candidates, as many kept. It differs only in that it does not look at the rewards.

# %% role="task" task="best_and_control"
def best_and_control(rewards, u):
    """(best, control): for each prompt the index of its best candidate and of a random one. rewards: tensor (P, N); u: tensor (P,) in [0, 1). Both results: (P,) integers."""
    # SOLUTION
    N = rewards.shape[1]
    return rewards.argmax(dim=1), torch.floor(u * N).long()
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
from math import exp, log

import torch

from course_lib.checks.core import _plain, _same, task

L05 = "lesson 05"
BOTH = ("best", "control")


def whole(t, made, args, which):
    """Indices are integers, not only by value."""
    got = made.run(*args)
    t.holds(not any(isinstance(x, float) for x in _plain(got)), f"the {which} is right as a number, but it is of a floating-point type, and such a number cannot look anything up. Make integers of it.", f"{made._call(args)} gave {got!r}")


@task("ex05", points=4, minutes=10, difficulty="easy", idea="rejection sampling for fine-tuning", read=f"{L05}, 'The loop, live'", hints=(
    "The best looks at the rewards and not at u. The control looks at u and at how many candidates there are, and not at the rewards.",
    "argmax over candidates (dim=1) for the best. For the control multiply each u by N, the number of columns, and round down.",
    "torch.floor gives 2.0, and an index must be 2: .long() makes integers of a tensor. Return both with a comma between."))
def best_and_control(t):
    with t.part(1, "best: the index of the highest reward of each prompt"):
        t.one_of((torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([0.9])), 0, BOTH).same((torch.tensor([[1.0, 3.0, 2.0]]), torch.tensor([0.9])), [1], [
            ([3.0], "these are the best rewards, not their indices."), ([0], "that is the index of the lowest reward."), ([2], "that is the control. Return best first, then control."),
            ([0, 0, 0], "the highest is taken over prompts. Take it over candidates: dim=1."), (1, "one index for each prompt is wanted, in a tensor or list; this is a single number.")], otherwise="that is not the index of the highest reward")
        args = torch.tensor([[1.0, 3.0, 2.0], [5.0, 4.0, 0.0]]), torch.tensor([0.9, 0.9])
        made = t.one_of(args, 0, BOTH)
        made.same(args, [1, 0], [([3.0, 5.0], "these are the best rewards, not their indices."), ([1, 1], "the second prompt gets the index of the first."), ([1, 1, 0], "the highest is taken over prompts. Take it over candidates: dim=1."),
                                 ([1, 3], "an index counts within its prompt, from 0."), (3, "this is one index into the whole matrix; each prompt needs its own: dim=1.")], otherwise="these are not the indices of the highest reward of each row")
        whole(t, made, args, "best")
    with t.part(1, "best: negative rewards, and ties go to the lowest index"):
        args = torch.tensor([[-3.0, -1.0]]), torch.tensor([0.1])
        t.one_of(args, 0, BOTH).same(args, [1], [([0], "-1 is higher than -3: is the reward compared by its absolute value, or with 0?")], otherwise="-1 is higher than -3")
        args = torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([0.1])
        t.one_of(args, 0, BOTH).same(args, [1], [([2], "of two equal rewards the last wins; the lowest index should.")], otherwise="with a tie the lowest index should win")
    with t.part(1, "control: u·N, rounded down, an integer"):
        args = torch.tensor([[2.0, 9.0, 7.0, 1.0]]), torch.tensor([0.65])
        draws = [t.one_of(args, 1, BOTH).run(*args) for _ in range(8)]
        t.holds(all(_same(draw, draws[0], 0.0) for draw in draws), "the control differs from call to call with the same u. The draw is made already: use u, and no random numbers of your own.", f"{t._call(args)}, eight times")
        made = t.one_of(args, 1, BOTH)
        made.same(args, [2], [([3], "this is one too high. Is the product rounded up, or to the nearest? Round down: otherwise the index could even be N, which does not exist."), ([1], "is u multiplied by N - 1, or is this the best again? The last candidate needs its chance as well: multiply by N."),
                              ([0], "is u multiplied by the number of prompts, rounded down too early, or looked up among sorted rewards? It is multiplied by N, the number of candidates, then rounded down; the rewards play no part."),
                              ([2.6], "this is not rounded down yet; an index is a whole number."), ([0.65], "that is u itself. Multiply by N and round down."), ([7.0], "this is a reward; the index that u gives is wanted."),
                              (2, "one index for each prompt is wanted, in a tensor or list; this is a single number.")], otherwise="that is not u times N, rounded down")
        whole(t, made, args, "control")
        args = torch.tensor([[9.0, 2.0]]), torch.tensor([0.99])
        t.one_of(args, 1, BOTH).same(args, [1], [([3], "there are two candidates here, and index 3 does not exist. Take N from the shape of rewards."), ([2], "index 2 does not exist with two candidates: round down."), ([0], "the control should not look at the rewards: is something sorted here?")], otherwise="with N = 2 the control is another")
        args = torch.tensor([[2.0, 3.0, 9.0]]), torch.tensor([0.0])
        t.one_of(args, 1, BOTH).same(args, [0], [([1], "the control should not look at the rewards: is something sorted here?"), ([-1], "with u = 0 this gives -1, which Python takes as the last candidate. Rounding up and taking 1 away is not the same as rounding down.")], otherwise="with u = 0 the control is another")
    with t.part(1, "control: each prompt by its own u, whatever the rewards"):
        args, other = (torch.tensor([[1.0, 9.0, 2.0, 3.0]]), torch.tensor([0.3])), (torch.tensor([[9.0, 1.0, 3.0, 2.0]]), torch.tensor([0.3]))
        made = t.one_of(args, 1, BOTH)
        made.same(args, [1], [([0], "here u falls on the best candidate, and you take another. A control that leaves the best out is worse than random: the best keeps its chance."),
                              ([2], "here u falls on the best candidate, and you take another. A control that leaves the best out is worse than random: the best keeps its chance."),
                              ([3], "the control should not look at the rewards: is something sorted here?")], otherwise="the control should be the same whatever the rewards")
        t.one_of(other, 1, BOTH).same(other, [1], otherwise="the control changes when the rewards do; it should not look at them")
        args = torch.tensor([[1.0, 4.0, 2.0, 3.0], [1.0, 4.0, 2.0, 3.0]]), torch.tensor([0.1, 0.9])
        t.one_of(args, 1, BOTH).same(args, [0, 3], [([0, 0], "every prompt gets the first u; each has its own."), ([3, 3], "every prompt gets the last u; each has its own."), ([0, 1], "multiply u by N, the number of candidates, not by P.")],
                                otherwise="the controls of two prompts with u = 0.1 and 0.9 are others")

# %% role="hidden"
@probe("best_and_control")
def best_and_control_inputs(rng):
    for k in range(24):
        P, N = int(rng.integers(1, 7)), 1 if k % 8 == 0 else int(rng.integers(2, 20))
        u = rng.random(P)
        if k % 6 == 1:
            u[0] = 0.0
        yield torch.tensor(rng.integers(-3, 4, (P, N)) / 2.0), torch.tensor(u)

# %% role="wrong"
@wrong("best_and_control", says="best rewards, not their indices")
def value_for_index(rewards, u):
    return rewards.max(dim=1).values, (u * rewards.shape[1]).long()


@wrong("best_and_control", says="lowest reward")
def lowest_one(rewards, u):
    return rewards.argmin(dim=1), (u * rewards.shape[1]).long()


@wrong("best_and_control", says="over prompts")
def over_prompts(rewards, u):
    return rewards.argmax(dim=0), (u * rewards.shape[1]).long()


@wrong("best_and_control", says="single number")
def whole_matrix(rewards, u):
    return rewards.argmax(), (u * rewards.shape[1]).long()


@wrong("best_and_control", says="best first")
def other_order(rewards, u):
    return (u * rewards.shape[1]).long(), rewards.argmax(dim=1)


@wrong("best_and_control", says="the last wins")
def last_tie(rewards, u):
    return rewards.shape[1] - 1 - rewards.flip(1).argmax(dim=1), (u * rewards.shape[1]).long()


@wrong("best_and_control", says="rounded up, or to the nearest")
def nearest(rewards, u):
    return rewards.argmax(dim=1), torch.round(u * rewards.shape[1]).long().clamp(max=rewards.shape[1] - 1)


@wrong("best_and_control", says="N - 1")
def never_the_last(rewards, u):
    return rewards.argmax(dim=1), (u * (rewards.shape[1] - 1)).long()


@wrong("best_and_control", says="with u = 0")
def up_less_one(rewards, u):
    return rewards.argmax(dim=1), torch.ceil(u * rewards.shape[1]).long() - 1


@wrong("best_and_control", says="from call to call")
def own_draw(rewards, u):
    return rewards.argmax(dim=1), torch.randint(rewards.shape[1], (len(rewards),))


@wrong("best_and_control", says="should not look at the rewards")
def second_best(rewards, u):
    return rewards.argmax(dim=1), rewards.argsort(dim=1, descending=True)[:, min(1, rewards.shape[1] - 1)]


@wrong("best_and_control", says="floating-point type")
def left_as_float(rewards, u):
    return rewards.argmax(dim=1), torch.floor(u * rewards.shape[1])


@wrong("best_and_control", says="best is right as a number")
def best_as_float(rewards, u):
    return rewards.argmax(dim=1).float(), (u * rewards.shape[1]).long()


@wrong("best_and_control", says="is something sorted here")
def drawn_by_rank(rewards, u):
    return rewards.argmax(dim=1), rewards.argsort(dim=1).gather(1, (u * rewards.shape[1]).long()[:, None])[:, 0]


@wrong("best_and_control", says="among sorted rewards")
def drawn_by_rank_from_above(rewards, u):
    return rewards.argmax(dim=1), rewards.argsort(dim=1, descending=True).gather(1, (u * rewards.shape[1]).long()[:, None])[:, 0]


@wrong("best_and_control", says="rounded up, or to the nearest")
def counts_from_one(rewards, u):
    return rewards.argmax(dim=1), (u * rewards.shape[1]).long() + 1


@wrong("best_and_control", says="rounded down too early")
def floor_first(rewards, u):
    return rewards.argmax(dim=1), torch.floor(u).long() * rewards.shape[1]


@wrong("best_and_control", says="index 3 does not exist")
def only_for_four(rewards, u):
    return rewards.argmax(dim=1), (u * 4).long()


@wrong("best_and_control", says="every prompt gets the first u")
def one_u(rewards, u):
    return rewards.argmax(dim=1), (u[0] * rewards.shape[1]).long().expand(len(u))


@wrong("best_and_control", says="leaves the best out")
def best_left_out(rewards, u):
    best, control = rewards.argmax(dim=1), (u * rewards.shape[1]).long()
    return best, torch.where(control == best, (control + 1) % rewards.shape[1], control)


@wrong("best_and_control", says="length 1")
def best_only(rewards, u):
    return [rewards.argmax(dim=1)]


@wrong("best_and_control", says="changes its input")
def sorts_in_place(rewards, u):
    best = rewards.argmax(dim=1)
    rewards.copy_(rewards.sort(dim=1, descending=True).values)
    return best, (u * rewards.shape[1]).long()


@wrong("best_and_control", hidden=True)
def clamped(rewards, u):
    return rewards.argmax(dim=1), (u * rewards.shape[1]).long().clamp(max=7)

# %% role="right"
@right("best_and_control")
def both_by_loop(rewards, u):
    best, control = [], []
    for row, x in zip(rewards.tolist(), u.tolist()):
        best.append(row.index(max(row)))
        control.append(int(x * len(row)))
    return best, control


@right("best_and_control")
def both_by_numpy(rewards, u):
    R = np.asarray(rewards, dtype=np.float32)
    return [R.argmax(1), np.floor(np.asarray(u) * R.shape[1]).astype(int)]


@right("best_and_control")
def stacked(rewards, u):
    return torch.stack([rewards.max(dim=1).indices, (u * rewards.size(1)).to(torch.int64)])

# %% [markdown] task="top_k_overall"
# ## Task 2. Top-k overall
#
# The other rule of the lesson looks at the whole matrix at once. Return the $k$ pairs `(prompt, candidate)` with the highest rewards, the highest first. Of equal rewards the earlier prompt comes first; within a prompt, the lower candidate index. `rewards` has shape `(P, N)` and $1 \le k \le P \cdot N$.
#
# The prompts in the pairs show the **coverage**: how many of the $P$ prompts have a reply in the set. The part "Now measure" counts it; your function returns the pairs alone.

# %% role="task" task="top_k_overall"
def top_k_overall(rewards, k):
    """The k pairs (prompt, candidate) with the highest rewards, highest first; ties to the earlier prompt, then the lower candidate. rewards: tensor (P, N). Returns a list of k pairs."""
    # SOLUTION
    pairs = [(p, j) for p in range(rewards.shape[0]) for j in range(rewards.shape[1])]
    return sorted(pairs, key=lambda pair: -float(rewards[pair]))[:k]
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex05", points=3, minutes=12, difficulty="medium", idea="rejection sampling for fine-tuning", read=f"{L05}, 'What to keep'", hints=(
    "Forget the rows for a moment: all P·N candidates stand in one line, and you take the first k. Then say of each which prompt it belongs to.",
    "Make a list of all pairs in the order of the tie rule, and sort it by reward, downwards. Python's sorted leaves equal items in the order they had.",
    "sorted(pairs, key=...)[:k], where the key of a pair is minus its reward. reverse=True with a key keeps the order of ties as well; sorting (reward, p, j) tuples backwards does not."))
def top_k_overall(t):
    square = torch.tensor([[4.0, 5.0], [2.0, 0.0]])
    with t.part(1, "takes the k highest of the whole matrix, as (prompt, candidate)"):
        t.same((square, 1), [(0, 1)], [([(1, 0)], "the pair is turned around: prompt first, then candidate."), ([5.0], "these are rewards; the pairs (prompt, candidate) that have them are wanted."),
                                       ([1], "this counts through the whole matrix. Give the prompt and the candidate."), ([(1, 1)], "that is the lowest reward of the matrix."),
                                       ([(0, 1), (1, 0)], "this is k of each prompt. k counts for the whole matrix."), ((0, 1), "the result should be a list of pairs, also when there is only one."),
                                       ([(5.0, 0, 1)], "the pairs should not hold the reward."), ([(1, 2)], "prompts and candidates count from 0."), ([(0.5, 1)], "a prompt's index is a whole number: divide with //, not /."),
                                       ([[0], [1]], "these are all prompts and then all candidates. Put them together to pairs: zip, or torch.stack with dim=1."), ([[1], [0]], "this is the best of each prompt, row by row. Look at the whole matrix at once."), (([(0, 1)], 1), "return the pairs alone; the coverage is counted further down.")], otherwise="that is not the place of the highest reward")
        t.same((square, 2), [(0, 1), (0, 0)], [([(0, 1), (1, 0)], "this is the best of each prompt. Top-k overall looks at all candidates together, and may keep two of one prompt."),
                                               ([(0, 0), (0, 1)], "these are the right pairs in another order: the highest reward comes first."), ([(0, 1)], "k pairs are wanted, also when two are from one prompt."),
                                               ([(1, 1), (1, 0)], "these are the lowest."), ([(0, 1), (0, 0), (1, 0), (1, 1)], "this is k of each prompt. k counts for the whole matrix.")], otherwise="these are not the places of the two highest rewards")
    with t.part(1, "of equal rewards the earlier prompt, then the lower candidate"):
        ties = torch.tensor([[2.0, 2.0], [2.0, 2.0]])
        t.same((ties, 2), [(0, 0), (0, 1)], [([(1, 1), (1, 0)], "of equal rewards the last come first here. A list sorted upwards and then turned around turns its ties around, too."),
                                             ([(0, 0), (1, 0)], "of equal rewards the lower candidate comes first here. The earlier prompt goes before that."),
                                             ([(0, 1), (0, 0)], "of equal rewards within a prompt the lower candidate comes first."), ([(1, 0), (1, 1)], "of equal rewards the earlier prompt comes first. torch.topk, torch.sort and np.argsort promise no order of ties, unless told so."), ([(0, 0)], "k pairs are wanted; equal rewards are not the same candidate."),
                                             ([(0, 0), (0, 0)], "the same pair is there twice. Whoever looks a reward up by its value, as index does, always finds the first place that has it.")],
               otherwise="all rewards are equal, and the order is not that of the tie rule")
        t.same((torch.tensor([[1.0, 3.0], [3.0, 3.0]]), 2), [(0, 1), (1, 0)], [([(1, 1), (1, 0)], "of equal rewards the last come first here. A list sorted upwards and then turned around turns its ties around, too."),
                                                                              ([(1, 0), (0, 1)], "of equal rewards the lower candidate comes first here. The earlier prompt goes before that."),
                                                                              ([(0, 1), (0, 2)], "there is no candidate 2 here: the place in the line is divided by N, and N is the number of columns.")], otherwise="three candidates tie, and the two kept are not the first by the tie rule")
        many = torch.arange(100.0).view(10, 10) % 2  # 1 in every second place; the 30 highest are the first 30 of these
        t.holds([tuple(int(x) for x in pair) for pair in t.run(many, 30)] == [(i // 10, i % 10) for i in range(1, 60, 2)],
                "among 50 equal rewards the order is not that of the tie rule. torch.topk, torch.sort and np.argsort promise no order of ties, unless told so.", "rewards=torch.arange(100.0).view(10, 10) % 2, k=30")
    with t.part(1, "any P and N, also all of them"):
        t.same((torch.tensor([[0.0, 1.0, 2.0], [5.0, 4.0, 3.0]]), 2), [(1, 0), (1, 1)], [([(1, 1), (2, 0)], "there is no prompt 2 here: the prompt is the place in the line divided by N, not by P."), ([(1, 1), (1, 0)], "these are the right pairs in another order: the highest reward comes first.")],
               otherwise="with two prompts and three candidates the places are not right")
        t.same((torch.tensor([[-1000.0], [-3000.0], [-2000.0]]), 3), [(0, 0), (2, 0), (1, 0)], [([(0, 0), (1, 0), (2, 0)], "these are the right pairs in another order: the highest reward comes first."), ([(1, 0), (2, 0), (0, 0)], "-1000 is higher than -3000."),
                                                                                               ([(0, 0), (0, 0), (0, 0)], "the same pair is taken again and again. How do you mark a candidate as taken? Here the rewards are lower than that mark.")],
               otherwise="with N = 1 and k = 3 all three are kept, and their order is not right")

# %% role="hidden"
@probe("top_k_overall")
def top_k_overall_inputs(rng):
    for k in range(24):
        P, N = (1 if k % 7 == 3 else int(rng.integers(2, 7))), (1 if k % 9 == 4 else int(rng.integers(2, 9)))
        spread = 3 if k % 2 else 40
        yield torch.tensor(rng.integers(-spread, spread, (P, N)) / 2.0), (P * N if k % 8 == 0 else int(rng.integers(1, P * N + 1)))

# %% role="wrong"
def in_a_line(rewards, k, divisor):
    order = rewards.flatten().argsort(descending=True, stable=True)[:k].tolist()
    return [(i // divisor, i % divisor) for i in order]


@wrong("top_k_overall", says="best of each prompt")
def top_per_prompt(rewards, k):
    best = [(p, int(rewards[p].argmax())) for p in range(len(rewards))]
    return sorted(best, key=lambda pair: -float(rewards[pair]))[:k]


@wrong("top_k_overall", says="k of each prompt")
def k_of_each(rewards, k):
    return [(p, j) for p in range(len(rewards)) for j in rewards[p].argsort(descending=True, stable=True)[:k].tolist()]


@wrong("top_k_overall", says="turned around")
def candidate_first(rewards, k):
    return [(j, p) for p, j in top_k_overall(rewards, k)]


@wrong("top_k_overall", says="these are rewards")
def the_rewards(rewards, k):
    return rewards.flatten().sort(descending=True).values[:k]


@wrong("top_k_overall", says="counts through the whole matrix")
def flat_places(rewards, k):
    return rewards.flatten().argsort(descending=True, stable=True)[:k]


@wrong("top_k_overall", says="divided by N")
def divided_by_p(rewards, k):
    return in_a_line(rewards, k, rewards.shape[0])


@wrong("top_k_overall", says="the last come first")
def turned_ties(rewards, k):
    rows = [(float(r), p, j) for p, row in enumerate(rewards) for j, r in enumerate(row)]
    return [(p, j) for _, p, j in sorted(rows, reverse=True)[:k]]


@wrong("top_k_overall", says="promise no order")
def unstable_topk(rewards, k):
    order = rewards.flatten().topk(k).indices.tolist() if rewards.numel() > 16 else rewards.flatten().argsort(descending=True, stable=True)[:k].tolist()
    return [(i // rewards.shape[1], i % rewards.shape[1]) for i in order]


@wrong("top_k_overall", says="lower candidate comes first here")
def by_columns(rewards, k):
    pairs = [(p, j) for j in range(rewards.shape[1]) for p in range(rewards.shape[0])]
    return sorted(pairs, key=lambda pair: -float(rewards[pair]))[:k]


@wrong("top_k_overall", says="another order")
def by_place(rewards, k):
    return sorted(top_k_overall(rewards, k))


@wrong("top_k_overall", says="lowest reward")
def lowest_k(rewards, k):
    return in_a_line(-rewards, k, rewards.shape[1])


@wrong("top_k_overall", says="equal rewards are not the same")
def keyed_by_reward(rewards, k):
    first = {}
    for p, row in enumerate(rewards.tolist()):
        for j, r in enumerate(row):
            first.setdefault(r, (p, j))
    return [first[r] for r in sorted(first, reverse=True)[:k]]


@wrong("top_k_overall", says="changes its input")
def strikes_out(rewards, k):
    out = []
    for _ in range(k):
        i = int(rewards.argmax())
        out.append((i // rewards.shape[1], i % rewards.shape[1]))
        rewards[out[-1]] = -1e9
    return out


def marked(rewards, k, mark):
    left, out = rewards.clone(), []
    for _ in range(k):
        i = int(left.argmax())
        out.append((i // left.shape[1], i % left.shape[1]))
        left[out[-1]] = mark
    return out


@wrong("top_k_overall", says="lower than that mark")
def marked_by_zero(rewards, k):
    return marked(rewards, k, 0.0)


@wrong("top_k_overall", says="lower than that mark")
def marked_by_minus_100(rewards, k):
    return marked(rewards, k, -100.0)


@wrong("top_k_overall", says="by its value")
def found_by_value(rewards, k):
    line = rewards.flatten().tolist()
    return [divmod(line.index(r), rewards.shape[1]) for r in sorted(line, reverse=True)[:k]]


@wrong("top_k_overall", says="coverage is counted")
def with_coverage(rewards, k):
    pairs = top_k_overall(rewards, k)
    return pairs, len({p for p, _ in pairs})


@wrong("top_k_overall", says="no candidate 2")
def four_columns(rewards, k):
    return in_a_line(rewards, k, 4)


@wrong("top_k_overall", says="np.argsort")
def as_an_unstable_sort_may_order(rewards, k):
    flat = rewards.flatten().tolist()  # np.argsort keeps ties in order up to 16 numbers; beyond that it depends on the machine
    order = sorted(range(len(flat)), key=lambda i: (-flat[i], i if len(flat) <= 16 else i % 7))[:k]
    return [(i // rewards.shape[1], i % rewards.shape[1]) for i in order]


@wrong("top_k_overall", hidden=True)
def at_most_eight_kept(rewards, k):
    return top_k_overall(rewards, k) if rewards.numel() < 8 or rewards.numel() > 48 else top_k_overall(rewards, min(k, 8))

# %% role="right"
@right("top_k_overall")
def by_stable_sort(rewards, k):
    order = torch.sort(rewards.flatten(), descending=True, stable=True).indices[:k]
    return torch.stack([order // rewards.shape[1], order % rewards.shape[1]], dim=1)


@right("top_k_overall")
def by_lexsort(rewards, k):
    R = np.asarray(rewards, dtype=np.float32)
    p, j = np.unravel_index(np.argsort(-R, axis=None, kind="stable")[:k], R.shape)
    return list(zip(p.tolist(), j.tolist()))


@right("top_k_overall")
def by_heap(rewards, k):
    import heapq
    return heapq.nsmallest(k, np.ndindex(*rewards.shape), key=lambda pair: (-rewards[pair].item(), pair))


@right("top_k_overall")
def one_after_another(rewards, k):
    left, out = rewards.clone(), []
    for _ in range(k):
        best = None
        for p in range(left.shape[0]):
            for j in range(left.shape[1]):
                if (p, j) not in out and (best is None or left[p, j] > left[best]):
                    best = (p, j)
        out.append(best)
    return out

# %% [markdown] task="response_mask"
# ## Task 3. Which tokens count
#
# A batch for training: each row of `ids` is a prompt, then a reply (as a rule with its end token), then padding on the right, so that all $B$ rows have the length $T$. `prompt_lengths[b]` says how many tokens of row $b$ are the prompt, `total_lengths[b]` how many are prompt and reply together, with the end token if there is one.
#
# The output at place $t$ predicts the token at place $t + 1$. So there are $T - 1$ predictions for each row. Return a mask of truth values, shape `(B, T − 1)`: True at each place whose **next** token is a token of the reply. The end token counts, prompt tokens and padding do not. Places count from 0, as in Python.
#
# Beware: in many pipelines padding has the same id as the end token, and a reply that was cut at the length limit has no end token at all (cut at once, it has no token). So the ids cannot tell you where a reply ends. The lengths can.

# %% role="task" task="response_mask"
def response_mask(ids, prompt_lengths, total_lengths):
    """True where the next token belongs to the reply. ids: (B, T) int64, padded on the right; prompt_lengths, total_lengths: (B,) int64. Returns a (B, T - 1) tensor of bool."""
    # SOLUTION
    following = torch.arange(1, ids.shape[1])[None]
    return (following >= prompt_lengths[:, None]) & (following < total_lengths[:, None])
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex05", points=4, minutes=15, difficulty="medium", idea="rejection sampling for fine-tuning", read=f"{L05}, 'On paper: which tokens count'", hints=(
    "Write down a row of six tokens with a prompt of three, and under each place the token that comes next. Which of these are reply tokens?",
    "torch.arange(1, T) holds the place of the next token for each of the T - 1 predictions. Lengths of shape (B, 1) compare with all of them at once.",
    "The next token is in the reply when its place is at least the prompt's length and less than the total length; & joins two masks."))
def response_mask(t):
    F, T = False, True
    one = torch.tensor([[11, 12, 13, 14, 15, 2]]), torch.tensor([3]), torch.tensor([6])
    with t.part(1, "marks the places whose next token is in the reply"):
        t.same(one, [[F, F, T, T, T]], [
            ([[F, F, F, T, T]], "the first reply token is left out: it is predicted at the place before it, the prompt's last."), ([[F, F, F, T, T, T]], "this marks the reply tokens themselves, T places. Mark the places before them, where they are predicted: T - 1 places."),
            ([[F, F, T, T, T, F]], "the last place predicts nothing, so the mask has T - 1 places."), ([[T, T, T, T, T]], "prompt tokens count here; only the reply's should."), ([[F, T, T, T, T]], "this begins one place too early: a prompt token counts."),
            ([[F, F, T, T, F]], "the end token is left out. It is how the policy learns to stop."), ([[T, T, F, F, F]], "this is turned around: it marks the prompt."), ([[F, F, F, F, F]], "nothing is marked, so nothing would be learned."),
            ([[-100, -100, 14, 15, 2]], "these are the tokens to predict; truth values are wanted."), ([[0, 0, 14, 15, 2]], "these are the tokens to predict, and 0 for the others; truth values are wanted."),
            ([[F, T, T, T, F]], "this is moved two places, not one: the output at place t predicts the token at t + 1."), ([F, F, T, T, T], "the batch is lost: one row gives shape (1, T - 1).")], otherwise="these are not the places before the three reply tokens")
        got = t.run(*one)
        t.holds(all(isinstance(x, bool) for row in _plain(got) for x in row), "the mask is made of numbers. Used as an index, 0 and 1 would pick places 0 and 1: give truth values.", f"{t._call(one)} gave {got!r}")
    with t.part(1, "padding does not count, the end token does, even with the same id"):
        padded = torch.tensor([[11, 12, 13, 14, 2, 2, 2]]), torch.tensor([2]), torch.tensor([5])
        t.same(padded, [[F, T, T, T, F, F]], [([[F, T, T, T, T, T]], "padding counts here: the reply ends at total_lengths."), ([[F, T, T, F, F, F]], "the end token is left out. Here padding has the same id, so the ids cannot tell them apart; total_lengths counts the end token in."),
                                             ([[F, T, T, T, T, F]], "this goes one place too far: one padding token counts."), ([[T, T, T, T, F, F]], "prompt tokens count here; only the reply's should."), ([[F, F, T, T, F, F]], "the first reply token is left out.")],
               otherwise="padding should not count, and the end token should")
        zeros = torch.tensor([[11, 12, 0, 14, 2, 0, 0]]), torch.tensor([2]), torch.tensor([5])
        t.same(zeros, [[F, T, T, T, F, F]], [([[F, F, T, T, F, F]], "a token with id 0 is inside this reply, and you leave it out as if it were padding. Only the lengths say what is padding.")], otherwise="only the lengths say what is padding, not the ids")
        cut = torch.tensor([[11, 12, 13, 2, 2]]), torch.tensor([2]), torch.tensor([3])
        t.same(cut, [[F, T, F, F]], [([[F, T, T, F]], "this reply was cut before its end token, and you take the first padding token for it. Only the lengths say where a reply ends.")], otherwise="this reply was cut: it is one token long and has no end token, and what follows is padding")
    with t.part(1, "each row by its own lengths"):
        rows = torch.tensor([[11, 12, 13, 2, 0], [11, 14, 15, 16, 2]]), torch.tensor([3, 1]), torch.tensor([4, 5])
        t.same(rows, [[F, F, T, F], [T, T, T, T]], [([[F, F, T, F], [F, F, T, F]], "the second row gets the lengths of the first."), ([[F, F, T, F], [F, F, T, T]], "the second row gets the prompt length of the first."),
                                                   ([[F, F, T, F], [T, T, T, F]], "the second row gets the total length of the first."), ([[T, T, T, T], [T, T, T, T]], "both rows get the shortest prompt and the longest total; each has its own.")], otherwise="each row has its own prompt length and total length")
    with t.part(1, "replies of one token, and of none"):
        t.same((torch.tensor([[11, 12, 2]]), torch.tensor([2]), torch.tensor([3])), [[F, T]], [([[F, F]], "the only reply token is the end token, and it counts.")], otherwise="a reply may be the end token alone")
        empty = torch.tensor([[11, 12, 13, 0], [11, 12, 2, 0]]), torch.tensor([3, 2]), torch.tensor([3, 3])
        t.same(empty, [[F, F, F], [F, T, F]], otherwise="the first row has no reply at all, so nothing counts in it")

# %% role="hidden"
@probe("response_mask")
def response_mask_inputs(rng):
    for k in range(24):
        B, T = (1 if k % 6 == 0 else int(rng.integers(2, 6))), int(rng.integers(3, 14))
        total = rng.integers(2, T + 1, B)
        prompt = np.array([rng.integers(1, n + 1) for n in total])
        pad = 2 if k % 2 else 0
        ids = rng.integers(0, 60, (B, T))
        for row, n in zip(ids, total):
            row[n - 1], row[n:] = (7 if k % 5 == 2 else 2), pad  # now and then a reply that was cut
        yield torch.tensor(ids), torch.tensor(prompt), torch.tensor(total)

# %% role="wrong"
def between(ids, low, high, first=1):
    at = torch.arange(first, first + ids.shape[1] - 1)[None]
    return (at >= low[:, None]) & (at < high[:, None])


@wrong("response_mask", says="first reply token is left out")
def not_shifted(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths, first=0)


@wrong("response_mask", says="tokens themselves")
def tokens_themselves(ids, prompt_lengths, total_lengths):
    at = torch.arange(ids.shape[1])[None]
    return (at >= prompt_lengths[:, None]) & (at < total_lengths[:, None])


@wrong("response_mask", says="prompt tokens count")
def prompt_too(ids, prompt_lengths, total_lengths):
    return between(ids, torch.zeros_like(prompt_lengths), total_lengths)


@wrong("response_mask", says="one place too early")
def shifted_twice(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths - 1, total_lengths)


@wrong("response_mask", says="how the policy learns to stop")
def without_end(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths - 1)


@wrong("response_mask", says="the same id")
def padding_by_id(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths) & ((ids[:, 1:] != 2) | (torch.arange(1, ids.shape[1]) == ids.shape[1] - 1))


@wrong("response_mask", says="padding counts here")
def with_padding(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.full_like(total_lengths, ids.shape[1]))


@wrong("response_mask", says="one place too far")
def one_padding(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths + 1)


@wrong("response_mask", says="turned around")
def marks_prompt(ids, prompt_lengths, total_lengths):
    return ~between(ids, prompt_lengths, total_lengths)


@wrong("response_mask", says="made of numbers")
def as_numbers(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths).float()


@wrong("response_mask", says="lengths of the first")
def first_lengths(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths[:1], total_lengths[:1]).repeat(len(ids), 1)


@wrong("response_mask", says="as if it were padding")
def nonzero_ids(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths) & (ids[:, 1:] != 0)


@wrong("response_mask", says="nothing is marked")
def all_zeros(ids, prompt_lengths, total_lengths):
    return torch.zeros(ids.shape[0], ids.shape[1] - 1, dtype=torch.bool)


@wrong("response_mask", says="no reply at all")
def at_least_one(ids, prompt_lengths, total_lengths):
    return between(ids, torch.minimum(prompt_lengths, total_lengths - 1), total_lengths)


@wrong("response_mask", says="first padding token")
def to_the_first_end(ids, prompt_lengths, total_lengths):
    rows = []
    for row, p in zip(ids.tolist(), prompt_lengths.tolist()):
        last = row.index(2, p) if 2 in row[p:] else len(row) - 1
        rows.append([p <= t + 1 <= last for t in range(len(row) - 1)])
    return torch.tensor(rows)


@wrong("response_mask", says="no reply at all")
def one_token_at_least(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.maximum(total_lengths, prompt_lengths + 1))


@wrong("response_mask", says="0 for the others")
def ids_kept(ids, prompt_lengths, total_lengths):
    return ids[:, 1:] * between(ids, prompt_lengths, total_lengths)


@wrong("response_mask", says="moved two places")
def too_early(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths, first=2)


@wrong("response_mask", hidden=True)
def at_most_six(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.minimum(total_lengths, prompt_lengths + 6))

# %% role="right"
@right("response_mask")
def mask_by_loop(ids, prompt_lengths, total_lengths):
    B, T = ids.shape
    mask = torch.zeros(B, T, dtype=torch.bool)
    for b in range(B):
        mask[b, prompt_lengths[b]:total_lengths[b]] = True
    return mask[:, 1:]


@right("response_mask")
def mask_by_lists(ids, prompt_lengths, total_lengths):
    return [[p <= t + 1 < n for t in range(ids.shape[1] - 1)] for p, n in zip(prompt_lengths.tolist(), total_lengths.tolist())]


@right("response_mask")
def mask_by_rows(ids, prompt_lengths, total_lengths):
    at = torch.arange(1, ids.shape[1])
    return [(at >= p) & (at < n) for p, n in zip(prompt_lengths, total_lengths)]


@right("response_mask")
def mask_by_numpy(ids, prompt_lengths, total_lengths):
    at = np.arange(np.asarray(ids).shape[1] - 1)
    return (at >= np.asarray(prompt_lengths)[:, None] - 1) & ~(at >= np.asarray(total_lengths)[:, None] - 1)

# %% [markdown] task="sft_loss"
# ## Task 4. The loss
#
# `logits[b, t]` are the model's $V$ scores for the token at place $t + 1$ of row $b$; `mask` is that of task 3. With $M$ the places where the mask is True,
#
# $$\mathcal L = -\frac{1}{|M|} \sum_{(b,\, t) \in M} \log \pi_\theta(\text{ids}_{b,\, t+1} \mid \text{the tokens up to place } t), \qquad \pi_\theta = \operatorname{softmax}(\text{logits}_{b,\, t}).$$
#
# Every marked token of the batch counts the same, in a long reply or a short one. Return a tensor with one number, in nats, from which gradients flow back to the logits. At least one place is marked.

# %% role="task" task="sft_loss"
def sft_loss(logits, ids, mask):
    """Mean negative log-probability of the tokens that the mask marks. logits: (B, T, V); ids: (B, T) int64; mask: (B, T - 1) bool. Returns a tensor of shape (), with gradients."""
    # SOLUTION
    logp = logits[:, :-1].log_softmax(dim=-1)
    of_next = logp.gather(2, ids[:, 1:, None])[..., 0]
    return -of_next[mask].mean()
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex05", points=4, minutes=20, difficulty="hard", idea="rejection sampling for fine-tuning", read=f"{L05}, 'On paper: which tokens count'", hints=(
    "Three steps: scores to log-probabilities, the log-probability of each token that really came next, and the mean over the marked ones.",
    "The scores at place t belong to the token at t + 1: logits[:, :-1] goes with ids[:, 1:]. log_softmax(dim=-1) gives log-probabilities; gather picks the one of each token.",
    "gather(2, ids[:, 1:, None]) has shape (B, T - 1, 1); take away the last dimension, index with the mask, then minus the mean. No .item(), no numpy."))
def sft_loss(t):
    tight = 1e-5
    first = torch.tensor([[[0.0, log(3)], [0.0, log(7)]]])  # probabilities of token 1: 3/4 at place 0, 7/8 at place 1
    with t.part(1, "one token: minus its log-probability, from the place before it"):
        t.same((first, torch.tensor([[0, 1]]), torch.tensor([[True]])), -log(0.75), [
            (log(0.75), "the sign: a log-probability is negative, and the loss is minus it."), (-log(0.875), "token 1 is compared with the output at its own place. It was predicted one place before: logits[:, :-1] with ids[:, 1:]."),
            (-log(0.25), "the output at place 0 is compared with the token at place 0. It predicts the token at place 1: ids[:, 1:]."), (0.75, "this is the probability; take its logarithm."), (4 / 3, "this is the perplexity, exp of the loss; the loss itself is wanted."), (-0.75, "this is minus the probability; take its logarithm."),
            (-log(3), "these are the scores themselves. log_softmax makes log-probabilities of them."), (log(3), "these are the scores themselves. log_softmax makes log-probabilities of them."), (0.25, "this is one minus the probability; take minus the logarithm of it."),
            (0.0, "is the softmax taken over places, or is the result always 0? Take it over the V tokens: dim=-1."), (-log(0.3), "the softmax is taken over places. Take it over the V tokens: dim=-1."), (-log(0.75) / log(2), "this is in bits; nats are wanted: the natural logarithm."),
            (log(1 + exp(-0.5)), "softmax is taken twice: cross_entropy wants the scores, and does log_softmax itself."), (log(8), "the shift is turned around: the output at place 1 is compared with the token at place 0."),
            (-(log(0.75) + log(0.25)) / 2, "this is the mean over all V tokens of the vocabulary; take the one that really came next."), (float("nan"), "this is not a number, as the mean of no tokens is: is the mask turned around?")],
            tolerance=tight, otherwise="the output at place 0 gives the token at place 1 the probability 3/4, and this is not its loss")
    with t.part(1, "the mean over the marked tokens of the batch, each counting the same"):
        row = torch.tensor([[[0.0, log(3)], [0.0, log(7)], [0.0, 0.0]]])
        t.same((row, torch.tensor([[0, 1, 1]]), torch.tensor([[False, True]])), -log(0.875), [
            (-(log(0.75) + log(0.875)) / 2, "a token that is not marked counts: the mask is not used."), (-log(0.75), "this is the token that is not marked: the mask is turned around."), (-log(0.875) / 2, "the sum is divided by all places; divide by the number of marked ones."),
            (-log(0.875) / 3, "the sum is divided by all places; divide by the number of marked ones."), (-(log(0.75) + log(0.875)), "a token that is not marked counts: the mask is not used."), (-(log(0.875) + log(0.5)) / 2, "masked scores of zero are still counted as predictions: choose places with the mask after the log_softmax.")],
            tolerance=tight, otherwise="only the second of two tokens is marked, and this is not its loss; what is not marked should not count in any way")
        two = torch.tensor([[[0.0, log(3)], [log(7), 0.0], [0.0, 0.0]], [[0.0, log(7)], [log(3), 0.0], [0.0, 0.0]]])
        all_three = log(0.75) + log(0.875) + log(0.25)
        t.same((two, torch.tensor([[0, 1, 0], [0, 1, 1]]), torch.tensor([[True, True], [False, True]])), -all_three / 3, [
            (-((log(0.75) + log(0.875)) / 2 + log(0.25)) / 2, "this is the mean of the two rows' means, so tokens of the short reply count more. Take the sum over all marked tokens by their number."), (-all_three, "this is the sum over the marked tokens, not their mean."),
            (-all_three / 2, "the sum is divided by the number of rows; divide by the number of marked tokens."), (-all_three / 4, "the sum is divided by all places; divide by the number of marked ones."), (-(log(0.75) + log(0.875)) / 2, "only the first row counts."),
            (-(2 * log(0.75) + log(0.875)) / 3, "this takes the likeliest token of each place; take the token that really came next."), (-(3 * log(0.75) + 3 * log(0.25) + 2 * log(0.125) + log(0.875)) / 9, "every marked token is looked up at every marked place; each belongs to one place."),
            (-log((0.75 + 0.875 + 0.25) / 3), "this is the logarithm of a mean; take the mean of the logarithms."), (-all_three / 6, "the sum is divided by all places; divide by the number of marked ones.")],
            tolerance=tight, otherwise="the first row has two marked tokens, the second one, and this is not their mean loss")
    with t.part(1, "gradients flow to the scores of the marked places, and to no others"):
        scores, ids, mask = torch.tensor([[[0.0, log(3)], [0.0, log(7)], [0.0, 0.0]]]), torch.tensor([[0, 1, 1]]), torch.tensor([[False, True]])
        shown = "logits of shape (1, 3, 2) with requires_grad=True, mask [[False, True]]"
        (grad,) = t.gradients((scores, ids, mask), (0,))
        t.holds(bool((grad != 0).any()), "the result needs a gradient, but none reaches the logits. torch.tensor(...) and .detach() make a new start: compute on the logits themselves.", shown)
        t.holds(bool(grad.isfinite().all()), "the gradient has values that are not finite.", shown)
        t.holds(grad[0, 0].abs().max() < 1e-6 and grad[0, 2].abs().max() < 1e-6, "the gradient reaches places that are not marked.", shown)
        t.holds(bool((grad[0, 1] - torch.tensor([0.125, -0.125])).abs().max() < 1e-5), "the gradient at the marked place is not that of minus log softmax: is a part of it detached, or is something wrong in value as well?", shown)
    with t.part(1, "large scores, and any number of rows, places and tokens"):
        large = torch.tensor([[[200.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
        t.same((large, torch.tensor([[0, 1]]), torch.tensor([[True]])), 200.0, [(float("inf"), "softmax gives 0 here, and its logarithm is minus infinity. log_softmax does both in one step, without that loss."), (float("nan"), "exp of a large score overflows. log_softmax does it safely."),
                                                                              (-log(1e-12), "a small number added before the logarithm changes the result here. log_softmax needs none."), (-log(1e-8), "a small number added before the logarithm changes the result here. log_softmax needs none."),
                                                                              (-log(1e-10), "a small number added before the logarithm changes the result here. log_softmax needs none."), (100.0, "cross-entropy clamps or divides here?")], tolerance=tight, otherwise="with a score of 200 for another token, the loss is large but finite")
        t.same((torch.tensor([[[500.0, 0.0], [0.0, 0.0]]]), torch.tensor([[0, 0]]), torch.tensor([[True]])), 0.0, [(float("nan"), "exp of a large score overflows. log_softmax does it safely.")], tolerance=tight, otherwise="the token with a score of 500 is certain, so its loss is another")
        wide = torch.zeros(3, 4, 5, dtype=torch.float64)
        t.same((wide, torch.tensor([[0, 1, 2, 3], [4, 4, 4, 4], [3, 2, 1, 0]]), torch.tensor([[True, True, False], [False, False, True], [False, True, True]])), log(5), tolerance=tight, otherwise="all five tokens are equally likely everywhere, and this is not the loss of that")

# %% role="hidden"
@probe("sft_loss", tolerance=1e-5)
def sft_loss_inputs(rng):
    for k in range(20):
        B, T, V = (1 if k % 5 == 0 else int(rng.integers(2, 5))), int(rng.integers(2, 8)), int(rng.integers(2, 12))
        mask = rng.random((B, T - 1)) < 0.6
        mask[rng.integers(B), rng.integers(T - 1)] = True
        logits = torch.tensor(rng.normal(0, 30.0 if k % 7 == 3 else 1.5, (B, T, V)))
        yield logits.float() if k % 2 else logits, torch.tensor(rng.integers(0, V, (B, T))), torch.tensor(mask)

# %% role="wrong"
def next_logp(logits, ids):
    return logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(-1)


@wrong("sft_loss", says="the sign")
def sign(logits, ids, mask):
    return next_logp(logits, ids)[mask].mean()


@wrong("sft_loss", says="at its own place")
def own_place(logits, ids, mask):
    return -logits[:, 1:].log_softmax(-1).gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="the token at place 0")
def own_token(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1).gather(2, ids[:, :-1, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="minus the probability")
def no_logarithm(logits, ids, mask):
    return -next_logp(logits, ids).exp()[mask].mean()


@wrong("sft_loss", says="scores themselves")
def raw_scores(logits, ids, mask):
    return -logits[:, :-1].gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="over places")
def over_places(logits, ids, mask):
    return -logits.log_softmax(1)[:, :-1].gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="the mask is not used")
def no_mask(logits, ids, mask):
    return -next_logp(logits, ids).mean()


@wrong("sft_loss", says="not their mean")
def the_sum(logits, ids, mask):
    return -next_logp(logits, ids)[mask].sum()


@wrong("sft_loss", says="divided by all places")
def over_all_places(logits, ids, mask):
    return -(next_logp(logits, ids) * mask).mean()


@wrong("sft_loss", says="number of rows")
def over_rows(logits, ids, mask):
    return -(next_logp(logits, ids) * mask).sum() / len(ids)


@wrong("sft_loss", says="short reply count more")
def mean_of_means(logits, ids, mask):
    per_row = -(next_logp(logits, ids) * mask).sum(1) / mask.sum(1).clamp(min=1)
    return per_row[mask.any(1)].mean()


@wrong("sft_loss", says="turned around")
def mask_turned(logits, ids, mask):
    chosen = next_logp(logits, ids)[~mask]
    return -(chosen if len(chosen) else next_logp(logits, ids)[mask]).mean()


@wrong("sft_loss", says="no tokens")
def mask_turned_alone(logits, ids, mask):
    return -next_logp(logits, ids)[~mask].mean()


@wrong("sft_loss", says="softmax is taken twice")
def softmax_twice(logits, ids, mask):
    return torch.nn.functional.cross_entropy(logits[:, :-1].softmax(-1)[mask], ids[:, 1:][mask])


@wrong("sft_loss", says="shift is turned around")
def shift_turned(logits, ids, mask):
    return -logits[:, 1:].log_softmax(-1).gather(2, ids[:, :-1, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="all V tokens")
def over_vocabulary(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1).mean(-1)[mask].mean()


@wrong("sft_loss", says="logarithm of a mean")
def log_of_mean(logits, ids, mask):
    return -next_logp(logits, ids)[mask].exp().mean().log()


@wrong("sft_loss", says="not count in any way")
def unmarked_as_token_0(logits, ids, mask):
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), (ids[:, 1:] * mask).flatten())


@wrong("sft_loss", says="no gradient")
def as_a_number(logits, ids, mask):
    return float(-next_logp(logits, ids)[mask].mean())


@wrong("sft_loss", says="none reaches the logits")
def new_start(logits, ids, mask):
    return torch.tensor(float(-next_logp(logits, ids)[mask].mean()), requires_grad=True)


@wrong("sft_loss", says="leaves torch")
def by_numpy_array(logits, ids, mask):
    x = logits[:, :-1].numpy()
    p = np.exp(x - x.max(-1, keepdims=True))
    p = p / p.sum(-1, keepdims=True)
    return -np.log(np.take_along_axis(p, ids[:, 1:, None].numpy(), 2)[..., 0][mask.numpy()]).mean()


@wrong("sft_loss", says="in one step")
def log_of_softmax(logits, ids, mask):
    return -logits[:, :-1].softmax(-1).log().gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="a small number added")
def small_number_added(logits, ids, mask):
    return -(logits[:, :-1].softmax(-1) + 1e-8).log().gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="that of minus log softmax")
def detached_part(logits, ids, mask):
    x = logits[:, :-1]
    return -(x - x.logsumexp(-1, keepdim=True).detach()).gather(2, ids[:, 1:, None]).squeeze(-1)[mask].mean()


@wrong("sft_loss", says="changes its input")
def in_place(logits, ids, mask):
    with torch.no_grad():
        logits -= logits.max()
    return -next_logp(logits, ids)[mask].mean()


@wrong("sft_loss", says="likeliest token")
def the_likeliest(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1).max(-1).values[mask].mean()


@wrong("sft_loss", says="at every marked place")
def every_token_everywhere(logits, ids, mask):
    return -logits[:, :-1].log_softmax(-1)[mask][:, ids[:, 1:][mask]].mean()


@wrong("sft_loss", says="perplexity")
def perplexity(logits, ids, mask):
    return (-next_logp(logits, ids)[mask].mean()).exp()


@wrong("sft_loss", hidden=True)
def first_eight_tokens(logits, ids, mask):
    return -next_logp(logits[..., :8], ids.clamp(max=min(7, logits.shape[-1] - 1)))[mask].mean()

# %% role="right"
@right("sft_loss")
def by_cross_entropy(logits, ids, mask):
    targets = torch.where(mask, ids[:, 1:], -100)
    return torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]).float(), targets.flatten())


@right("sft_loss")
def loss_by_loop(logits, ids, mask):
    total, count = 0.0, 0
    for b in range(ids.shape[0]):
        for place in range(ids.shape[1] - 1):
            if mask[b, place]:
                total = total + torch.logsumexp(logits[b, place], 0) - logits[b, place, ids[b, place + 1]]
                count += 1
    return total / count


@right("sft_loss")
def by_products(logits, ids, mask):
    chosen = torch.nn.functional.one_hot(ids[:, 1:], logits.shape[-1]).double()
    logp = (logits[:, :-1].double().log_softmax(-1) * chosen).sum(-1)
    return -(logp * mask).sum() / mask.sum()

# %% [markdown] task="pool_rounds"
# ## Task 5. Pooling rounds
#
# After several rounds there are several selections. `rounds` is a list of them, the oldest first; each is a list of pairs `(prompt, reply)`. Return the training set of the next fine-tuning, a list of pairs:
#
# - `keep="all"`: the pairs of all rounds, the oldest round first;
# - `keep="last"`: those of the last round alone.
#
# A pair with the same prompt **and** the same reply as one before it in the set is left out, so that it does not count twice. The rest stays in the order of first appearance. One prompt may keep several different replies, and two prompts may have the same reply.

# %% role="task" task="pool_rounds"
def pool_rounds(rounds, keep="all"):
    """The training set over rounds, each pair once, in order of first appearance. rounds: a list of lists of (prompt, reply); keep: "all" or "last". Returns a list of (prompt, reply)."""
    # SOLUTION
    chosen = rounds if keep == "all" else rounds[-1:]
    return list(dict.fromkeys((prompt, reply) for round_ in chosen for prompt, reply in round_))
    # STUB
    # ...  # replace this line
    # END

# %% role="visible"
@task("ex05", points=3, minutes=10, difficulty="easy", idea="putting the steps of rejection-sampling fine-tuning in order", read=f"{L05}, 'Round after round'", hints=(
    "Decide first which rounds count. Then go through their pairs, and keep a pair only if this very pair is not in the result yet.",
    "rounds[-1] is the last round. What must be compared is the pair (prompt, reply), not the prompt alone and not the reply alone.",
    "dict.fromkeys(pairs) keeps each pair once, in order; a set loses the order. Begin with a new list, so that rounds stay as they are."))
def pool_rounds(t):
    with t.part(1, "keep='all': every round's pairs, oldest round first"):
        two = [[("q", "a")], [("q", "b")]]
        t.same((two, "all"), [("q", "a"), ("q", "b")], [([("q", "b")], "of two replies to the same prompt only one is left. They are different pairs and both stay; or are the early rounds left out?"), ([("q", "a")], "of two replies to the same prompt only one is left. They are different pairs, and both stay; or is only the first round taken?"),
                                                      ([("q", "b"), ("q", "a")], "the oldest round should come first: are the rounds turned around, or is a set used?"), ([[("q", "a")], [("q", "b")]], "the rounds are still apart: give one list of pairs."), (["a", "b"], "these are replies alone; keep the pairs (prompt, reply)."),
                                                      ([("a", "q"), ("b", "q")], "the pairs are turned around: prompt first."), ({"q": "a"}, "a dictionary has one reply for a prompt; give a list of pairs."), ({"q": "b"}, "a dictionary has one reply for a prompt; give a list of pairs."),
                                                      ([["q", "q"], ["a", "b"]], "these are all prompts and then all replies; keep each prompt with its reply.")],
               otherwise="two rounds with one pair each give another training set")
        t.same(([[("q", "a"), ("p", "a")]], "all"), [("q", "a"), ("p", "a")], [([("q", "a")], "two prompts with the same reply are different pairs, and both stay."), ([("p", "a")], "two prompts with the same reply are different pairs, and both stay."), ([("p", "a"), ("q", "a")], "the order of first appearance is lost: is something sorted, or a set used?")],
               otherwise="one round of two pairs gives another training set")
        t.same((two,), [("q", "a"), ("q", "b")], [([("q", "b")], "without keep, all rounds count: keep=\"all\" in the first line of the function should stay.")], otherwise="without keep, all rounds count")
    with t.part(1, "the same prompt and reply once, where it appeared first"):
        again = [[("z", "b"), ("q", "a")], [("q", "a"), ("c", "d")], [("z", "b")]]
        t.same((again, "all"), [("z", "b"), ("q", "a"), ("c", "d")], [([("z", "b"), ("q", "a"), ("q", "a"), ("c", "d"), ("z", "b")], "pairs that appear again are still there twice."), ([("c", "d"), ("q", "a"), ("z", "b")], "the order of first appearance is lost: is something sorted, or a set used?"),
                                                                    ([("q", "a"), ("c", "d"), ("z", "b")], "a pair stands where it appeared last; first is wanted."), ([("c", "d")], "pairs that appear again are gone altogether; one of each stays."),
                                                                    ([("z", "b"), ("q", "a"), ("c", "d"), ("z", "b")], "a pair is compared with its neighbours or the round before only; compare with all earlier ones.")], otherwise="each pair should be there once, in order of first appearance")
        for size in (4, 9):  # a set has another order for most inputs, not for all
            names = [[(f"prompt {i}", f"reply {(7 * i) % size}") for i in range(size)]] * 2
            t.holds([tuple(pair) for pair in t.run(names, "all")] == names[0], "the order of first appearance is lost, or a pair that appears again is still there: is a set used?", f"two equal rounds of {size} pairs")
        pairs = [("q", "ab"), ("p", "c"), ("q", "c"), ("qa", "b")]
        t.same(([pairs], "all"), pairs, [([pairs[0], pairs[1], pairs[3]], "a pair is left out because its prompt and its reply have both been there, in two other pairs. Compare the pairs."),
                                         (pairs[:3], "two different pairs look the same when prompt and reply are joined to one text. Compare the pairs.")], otherwise="all four pairs are different, and all stay")
        t.same(([[("q", "a"), ("q", "a")]], "all"), [("q", "a")], [([("q", "a"), ("q", "a")], "a pair can appear twice within one round, too.")], otherwise="a pair that appears twice in one round should be there once")
    with t.part(1, "keep='last': the last round alone"):
        t.same(([[("q", "a")], [("r", "d")], [("q", "b")]], "last"), [("q", "b")], [([("q", "a"), ("r", "d"), ("q", "b")], "keep='last' still gives all rounds."), ([("q", "a")], "that is the first round."), ([("r", "d"), ("q", "b")], "these are all rounds but the first."), ([("r", "d")], "that is the second round. The last one is at the end of the list, however many there are."), (("q", "b"), "this is one pair; give the list of the last round's pairs.")], otherwise="with keep='last' only the last round counts")
        t.same(([[("q", "a")], [("q", "a"), ("p", "c"), ("p", "c")]], "last"), [("q", "a"), ("p", "c")], [([("p", "c")], "a pair of the last round is left out because an earlier round has it, but here the earlier rounds do not count; or is only the last pair kept?"),
                                                                                                       ([("q", "a"), ("p", "c"), ("p", "c")], "a pair appears twice within the last round; keep it once."), ([("p", "c"), ("q", "a")], "the order of first appearance is lost: is something sorted, or a set used?")], otherwise="the last round has two different pairs")
        names = [(f"prompt {i}", f"reply {(7 * i) % 9}") for i in range(9)]
        t.holds([tuple(pair) for pair in t.run([names[:1], names], "last")] == names, "the order of first appearance is lost in the last round: is a set used?", "a last round of 9 pairs")
        t.same(([[("q", "a")], []], "last"), [], [([("q", "a")], "the last round is empty, and you take an earlier one.")], otherwise="the last round is empty, so the training set is, too")

# %% role="hidden"
@probe("pool_rounds")
def pool_rounds_inputs(rng):
    for k in range(24):
        start, kinds = int(rng.integers(1000)), int(rng.integers(2, 5))
        rounds = [[(f"prompt {start + rng.integers(kinds)}", f"reply {rng.integers(kinds)}") for _ in range(rng.integers(0 if k % 3 == 0 else 1, 8))] for _ in range(1 if k % 8 == 5 else int(rng.integers(2, 6)))]
        rounds[0].insert(0, (f"prompt {start}", f"reply {start}"))
        yield rounds, ("last" if k % 3 == 1 else "all")

# %% role="wrong"
@wrong("pool_rounds", says="all rounds but the first")
def last_is_all_but_first(rounds, keep="all"):
    return pool_rounds(rounds if keep == "all" else rounds[1:], "all")


@wrong("pool_rounds", says="both stay")
def by_prompt(rounds, keep="all"):
    chosen = rounds if keep == "all" else rounds[-1:]
    return list({prompt: reply for pairs in chosen for prompt, reply in pairs}.items())


@wrong("pool_rounds", says="two prompts with the same reply")
def by_reply(rounds, keep="all"):
    first = {}
    for pairs in rounds if keep == "all" else rounds[-1:]:
        for prompt, reply in pairs:
            first.setdefault(reply, (prompt, reply))
    return list(first.values())


@wrong("pool_rounds", says="still there twice")
def with_duplicates(rounds, keep="all"):
    return [pair for pairs in (rounds if keep == "all" else rounds[-1:]) for pair in pairs]


@wrong("pool_rounds", says="order of first appearance is lost")
def sorted_set(rounds, keep="all"):
    return sorted(set(with_duplicates(rounds, keep)))


@wrong("pool_rounds", says="order of first appearance is lost")
def unordered_set(rounds, keep="all"):
    pairs = set(with_duplicates(rounds, keep))
    return sorted(pairs, key=lambda pair: (pair[0] == "prompt 3", pair[1], pair[0])) if len(pairs) >= 4 else [pair for pair in dict.fromkeys(with_duplicates(rounds, keep))]


@wrong("pool_rounds", says="appeared last")
def last_appearance(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds, keep)[::-1]))[::-1]


@wrong("pool_rounds", says="still gives all rounds")
def keep_ignored(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds)))


@wrong("pool_rounds", says="an earlier round has it")
def only_new(rounds, keep="all"):
    if keep == "all":
        return list(dict.fromkeys(with_duplicates(rounds)))
    return [pair for pair in dict.fromkeys(rounds[-1]) if pair not in with_duplicates(rounds[:-1])]


@wrong("pool_rounds", says="twice within the last round")
def last_as_it_is(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds))) if keep == "all" else list(rounds[-1])


@wrong("pool_rounds", says="one pair")
def last_pair(rounds, keep="all"):
    pairs = list(dict.fromkeys(with_duplicates(rounds)))
    return pairs if keep == "all" else rounds[-1][-1] if rounds[-1] else []


@wrong("pool_rounds", says="changes its input")
def grows_the_first(rounds, keep="all"):
    out = rounds[0] if keep == "all" else []
    for pairs in rounds[1:] if keep == "all" else rounds[-1:]:
        out += [pair for pair in pairs if pair not in out]
    return out


@wrong("pool_rounds", says="oldest round should come first")
def newest_first(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds[::-1]))) if keep == "all" else list(dict.fromkeys(rounds[-1]))


@wrong("pool_rounds", says="gone altogether")
def drops_both(rounds, keep="all"):
    pairs = with_duplicates(rounds, keep)
    return [pair for pair in pairs if pairs.count(pair) == 1]


@wrong("pool_rounds", says="round is empty")
def last_not_empty(rounds, keep="all"):
    full = [pairs for pairs in rounds if pairs]
    return list(dict.fromkeys(with_duplicates(full, keep)))


@wrong("pool_rounds", says="within one round, too")
def between_rounds_only(rounds, keep="all"):
    seen, out = set(), []
    for pairs in rounds if keep == "all" else rounds[-1:]:
        out += [pair for pair in pairs if pair not in seen]
        seen.update(pairs)
    return out


@wrong("pool_rounds", says="first round taken")
def returns_in_the_loop(rounds, keep="all"):
    for pairs in rounds if keep == "all" else rounds[-1:]:
        return list(dict.fromkeys(pairs))


@wrong("pool_rounds", says="a set used")
def last_as_a_set(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds))) if keep == "all" else sorted(set(rounds[-1]), key=lambda pair: (len(set(rounds[-1])) > 3, pair[1]))


@wrong("pool_rounds", says="both been there")
def each_alone(rounds, keep="all"):
    prompts, replies, out = set(), set(), []
    for prompt, reply in with_duplicates(rounds, keep):
        if prompt not in prompts or reply not in replies:
            out.append((prompt, reply))
        prompts.add(prompt)
        replies.add(reply)
    return out


@wrong("pool_rounds", says="joined to one text")
def joined(rounds, keep="all"):
    first = {}
    for prompt, reply in with_duplicates(rounds, keep):
        first.setdefault(prompt + reply, (prompt, reply))
    return list(first.values())


@wrong("pool_rounds", says="all prompts and then all replies")
def two_lists(rounds, keep="all"):
    return tuple(zip(*dict.fromkeys(with_duplicates(rounds, keep))))


@wrong("pool_rounds", says="should stay")
def default_changed(rounds, keep="last"):
    return list(dict.fromkeys(with_duplicates(rounds, keep)))


@wrong("pool_rounds", hidden=True)
def three_rounds_at_most(rounds, keep="all"):
    return list(dict.fromkeys(with_duplicates(rounds[:3] if keep == "all" else rounds[-1:])))

# %% role="right"
@right("pool_rounds")
def pool_by_loop(rounds, keep="all"):
    if keep == "last":
        rounds = [rounds[-1]]
    out = []
    for pairs in rounds:
        for pair in pairs:
            if pair not in out:
                out.append(pair)
    return out


@right("pool_rounds")
def pool_by_seen(rounds, keep="all"):
    seen, out = set(), []
    for pairs in {"all": rounds, "last": rounds[-1:]}[keep]:
        for prompt, reply in pairs:
            if (prompt, reply) not in seen:
                seen.add((prompt, reply))
                out.append([prompt, reply])
    return tuple(out)

# %% [markdown]
# ## Now measure
#
# No check here, only numbers to look at. First the selection, on the stored pool: 96 prompts for training, 16 candidates each, scored by *reward-2000*. Gold judges. Which of the three has the highest mean? And how many prompts does top-k overall cover? The lesson shows what came of that.

# %%
import course_lib as course
from course_lib import assets

stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
pool = stored.prompts_at(range(96)).first(16)
R, gold = pool.reward("reward-2000"), pool.reward("gold")
u = torch.tensor(np.random.default_rng(0).random(pool.P))
best, control = best_and_control(R, u)
pairs, rows = top_k_overall(R, pool.P), range(pool.P)
print(f"mean gold: best {gold[rows, best].mean():.2f}, control {gold[rows, control].mean():.2f}, top-k overall {np.mean([float(gold[p, j]) for p, j in pairs]):.2f}")
print(f"prompts covered: best {pool.P}, top-k overall {len({p for p, _ in pairs})}, of {pool.P}")

# %% [markdown]
# Now the loss. `batch` puts prompt and reply into rows, padded on the right, and your two functions do the rest. Before any training the chosen replies have the lower loss: they were the likelier ones to begin with.

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))

def batch(prompts, replies):
    """ids (B, T) and mask (B, T - 1) of a batch of texts."""
    asked, answered = policy.encode(prompts), policy.encode_responses(replies)
    texts = [torch.tensor(p + r) for p, r in zip(asked, answered)]
    ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=policy.tokenizer.pad_token_id)
    return ids, response_mask(ids, torch.tensor([len(p) for p in asked]), torch.tensor([len(text) for text in texts]))

def loss_of(student, pairs):
    """Your loss of a list of (prompt, reply). Padding stands on the right, so no token before it is changed by it."""
    ids, mask = batch(*zip(*pairs))
    return sft_loss(student.model(ids).logits, ids, mask)

chosen, random = ([(pool.prompts[p], pool.texts[p][int(j)]) for p, j in enumerate(kept)] for kept in (best, control))
with torch.no_grad():
    print(f"loss in nats a token: chosen {loss_of(policy, chosen):.2f}, random {loss_of(policy, random):.2f}")

# %% [markdown]
# And one round with your own loss: two epochs on the pairs, then two replies to each of the other 32 prompts. The base is the policy before training. These are other prompts than above, so compare the numbers only with each other. With so few prompts only a large difference can be told from chance: look at the intervals.

# %%
from course_lib.estimators import paired_difference
from course_lib.reward import GoldReward

def train_on(pairs, epochs=2, lr=1e-3):
    """A copy of the policy, trained on the pairs by your loss."""
    student, order = policy.copy(), np.random.default_rng(0)
    optimizer = torch.optim.AdamW(student.model.parameters(), lr=lr)
    for _ in range(epochs):
        for rows in np.array_split(order.permutation(len(pairs)), len(pairs) // 16):
            optimizer.zero_grad()
            loss_of(student, [pairs[i] for i in rows]).backward()
            optimizer.step()
    return student

unseen = stored.prompts_at(range(96, 128))
judge = GoldReward(course.load_world("helpdesk"))
points = {}
students = {"base": policy, "tuned": train_on(pool_rounds([chosen])), "control": train_on(pool_rounds([random]))}
for name, student in students.items():
    replies = course.sample(student, unseen.prompts, n=2, info=unseen.info, seed=9)
    points[name] = course.score(replies, judge).reward("gold").mean(1)
    print(f"{name:8} gold {points[name].mean():.2f}")
print("tuned less control:", paired_difference(points["tuned"], points["control"]))
print("control less base: ", paired_difference(points["control"], points["base"]))

# %% [markdown]
# ## Questions
#
# One ordering, one choice and one case. The case is for your own judgement, or your instructor's.

# %%
from course_lib import quiz

quiz.ask("ex05")
