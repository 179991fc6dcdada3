# %% [markdown]
# # Reward models: where the scores come from
#
# **You will:** be an annotator, turn comparisons of two replies into a loss and work it out on paper, train a reward model in seconds, read its accuracy against the right yardsticks, check whether its probabilities mean what they say,
# catch one liking length, and make nine silent mistakes on purpose to see what each one costs.
#
# **Builds on:** lesson 00 (policy, pool, gold reward, how to read an interval), lesson 01 (best-of-N, paired differences).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute and a half.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference, win_scores
from course_lib.reward import annotate, bradley_terry_loss, new_reward_model, preference_report, train_reward_model
from course_lib.worlds.helpdesk import Annotator

# %% [markdown]
# ## Preferences instead of scores
#
# Lesson 01 used a reward model as if it had fallen from the sky. Somebody has to say what is good. Why not ask people for a number between 0 and 10? Because one person's 7 is another's 5, and a person's 7 on Monday is a 6 on Friday.
# To say which of *two* replies is better is easier, and needs no common scale. Such an answer is called a **preference** or **comparison**, and the person who gives it an **annotator**.
#
# Be one. For each question below there are two replies, A and B. **Your prediction.** Write down six letters. And for each: if twenty annotators answered, how many would say the same as you?

# %%
policy = course.load_policy(assets.path("helpdesk/policy"))
world = course.load_world("helpdesk")
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))   # 128 held-out prompts × 256 candidates
gold = stored.reward("gold")

# %% tags=["nbval-check-output"]
shown = [0, 2, 4, 5, 7, 9]
for i in shown:
    print(f"{stored.prompts[i]}\n   A: {stored.texts[i][0]}\n   B: {stored.texts[i][1]}")

# %% [markdown]
# Our annotators are simulated, so that we can have thousands of them. Each one looks at the gold reward $r^*$ of both replies, but is not sure of it: A is preferred with probability
#
# $$P(A \succ B) = \sigma\big(r^*(x, A) - r^*(x, B)\big), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# The sign $\succ$ reads "is preferred to". If both are equally good, that is a coin flip; one point better gives 73 %, two points 88 %, three points 95 %. Here is what twenty of them say about your six pairs.

# %% tags=["nbval-check-output"]
print("0, 1, 2, 3 points better:", [f"{1 / (1 + np.exp(-z)):.0%}" for z in range(4)])
rng = np.random.default_rng(1)
for i in shown:
    a, b = gold[i, :2].tolist()
    for_a = Annotator().prefers_first(np.full(20, a), np.full(20, b), rng).sum()
    print(f"A {for_a:2} : {20 - for_a:2} B   gold A {a:5.2f}, B {b:5.2f}   {stored.prompts[i]}")

# %% [markdown]
# The last pair has equal gold, and the third nearly so: whatever you answered there, about half of the annotators disagree with you. Preferences are *noisy*, and not because somebody is careless: some pairs are close.
#
# How noisy are they in all? Match up the 256 stored candidates of each prompt, 0 against 1, 2 against 3, and so on: 128 pairs a prompt. Ask one annotator about each pair, and then ask a second one.

# %%
A, B = gold[:, 0::2], gold[:, 1::2]                                  # (128, 128): gold of the first and the second
votes = Annotator().prefers_first(A, B, np.random.default_rng(1))    # (128, 128): was the first preferred?
again = Annotator().prefers_first(A, B, np.random.default_rng(2))    # a second annotator, same pairs
agreement = bootstrap_interval((votes == again).mean(1))
print(f"two annotators agree on {agreement:.1%} of pairs")

# %% [markdown]
# So no judge can agree with every label, not even a perfect one. How well does the perfect judge do, the gold reward itself? Define **accuracy** once, for the whole lesson: the share of pairs where the reply with the higher score is the one
# the annotator preferred. A tie counts half. (A few pairs are the same text twice; they count half for everybody.)

# %%
def accuracy(R):
    """(P,) share of each prompt's pairs that the scores R (P, N) order as the annotator did; a tie counts half."""
    first = win_scores(R[:, 0::2], R[:, 1::2])
    said = votes[:, : first.shape[1]]
    return np.where(said, first, 1 - first).mean(1)

ceiling = bootstrap_interval(accuracy(gold))
print(f"the gold reward agrees with the annotator on {ceiling:.1%} of pairs")

# %% [markdown]
# That is the **ceiling**: no reward model can be expected to get above it on these labels. It is higher than the agreement of two annotators, because gold always gives the more likely answer, while an annotator sometimes gives the less likely one.
#
# With real people there is no gold reward. But you can ask two annotators about the same pairs, and that brackets the ceiling. If they agree on a share $a$ of pairs, the best possible accuracy lies between $a$ and
# $\tfrac{1}{2}\big(1 + \sqrt{2a - 1}\big)$. (Where the more likely answer has probability $m$, two annotators agree with probability $m^2 + (1-m)^2$; the upper end is what $m$ would be if all pairs were equally hard.) Does the bracket hold here?

# %%
a = agreement.mean
highest = (1 + np.sqrt(2 * a - 1)) / 2
print(f"two annotators agree on {a:.1%}: a ceiling between {a:.1%} and {highest:.1%}; it is {ceiling.mean:.1%}")
assert a < ceiling.mean < highest

# %% [markdown]
# Read a few more pairs with this in mind. Choose A or B, and see what twenty annotators, gold and a reward model say. When you have done ten: with how many majorities did you agree?
#
# (By keyboard: Tab moves between the controls, Enter presses a button. On GitHub, and wherever widgets cannot run, you see a few pairs as a table with all answers.)

# %%
explore.be_the_annotator(stored.prompts_at(range(20, 60)), reward="reward-8000")

# %% [markdown]
# ## Bradley–Terry: from comparisons to scores
#
# We want a score for each reply, and have only comparisons. The idea of Bradley and Terry: suppose there is a hidden score $r$, and that the probability of a preference depends on the difference of two scores,
#
# $$P(a \succ b) = \sigma(r_a - r_b).$$
#
# Then choose the scores that make the observed comparisons most likely. For one comparison with a chosen and a rejected reply, the loss is minus the log of its probability:
#
# $$\ell = -\log \sigma(r_{\text{chosen}} - r_{\text{rejected}})$$
#
# In the code it is `bradley_terry_loss(chosen, rejected)`. It is the loss of a classifier that predicts which of two replies was preferred, and the difference $r_{\text{chosen}} - r_{\text{rejected}}$ is called the **margin**. (Our simulated annotators follow this
# rule exactly. Real ones do so roughly at best.)
#
# ### On paper
#
# Three replies to one prompt have the scores $r_A = 2$, $r_B = 0$, $r_C = 1$. Three comparisons came in: A was preferred to B, C to B, and C to A. You need $\sigma(2) = 0.88$, $\sigma(1) = 0.73$, $\sigma(-1) = 0.27$, and
# $-\log 0.88 = 0.13$, $-\log 0.73 = 0.31$, $-\log 0.27 = 1.31$. **What is the mean loss? Which comparison costs most, and which score would you change first?**

# %% tags=["nbval-check-output"]
r = torch.tensor([2.0, 0.0, 1.0], requires_grad=True)        # A, B, C
chosen, rejected = [0, 2, 2], [1, 1, 0]                      # A over B, C over B, C over A
losses = bradley_terry_loss(r[chosen], r[rejected])
print("losses", [round(v, 2) for v in losses.tolist()], " mean", round(losses.mean().item(), 2))

# %% [markdown]
# The third comparison costs most: the scores say A, the annotator said C. Now the gradient. The derivative of $-\log \sigma(z)$ is $-(1 - \sigma(z))$. So each comparison pushes the chosen score up and the rejected one down, both by $1 - \sigma(\text{margin})$: the probability
# that the model gave to the *other* answer. A comparison that the model already gets right with certainty pushes nothing. **By hand, from the numbers above:** A is pushed up by 0.12 and down by 0.73. And B, and C?

# %% tags=["nbval-check-output"]
losses.sum().backward()
surprise = 1 - torch.sigmoid(r[chosen] - r[rejected]).detach()
by_hand = [float(-surprise[0] + surprise[2]), float(surprise[0] + surprise[1]), float(-surprise[1] - surprise[2])]
print("1 − σ   ", [round(s, 2) for s in surprise.tolist()])
print("by hand ", [round(g, 2) for g in by_hand], "\nautograd", [round(g, 2) for g in r.grad.tolist()])

# %% [markdown]
# (A positive gradient means: the loss falls when this score is lowered.) The three sum to zero. No comparison can push all scores up together, and that has a consequence.
#
# ### Only differences count
#
# **Your prediction.** Add 5 to all three scores. What happens to the loss? Then double all three. And then?

# %% tags=["nbval-check-output"]
with torch.no_grad():
    for name, changed in (("as they are", r), ("plus 5", r + 5), ("doubled", 2 * r)):
        print(f"{name:12} loss {bradley_terry_loss(changed[chosen], changed[rejected]).mean():.4f}")

# %% [markdown]
# Adding a constant changes nothing: the scores are identified **only up to a constant, one for each prompt**, since comparisons are always between replies to the same prompt. The scale does matter: it says how sure the model is.
#
# So the scores of replies to *different* prompts must not be compared. Does that happen in earnest? Gold is lower on harmful requests, where the policy often does what it should refuse. **Your prediction: is the mean score of reward-8000 lower there too?**

# %%
harmful = np.array([about["harmful"] for about in stored.info])
means = {name: stored.reward(name).mean(1).numpy() for name in ("gold", "reward-8000")}
for name, mean in means.items():
    harmless_mean, harmful_mean = bootstrap_interval(mean[~harmful]), bootstrap_interval(mean[harmful])
    print(f"{name:12} harmless prompts {harmless_mean}   harmful {harmful_mean}")
within = [np.corrcoef(stored.reward("reward-8000")[i], gold[i])[0, 1] for i in range(stored.P)]
print(f"correlation with gold: within a prompt {bootstrap_interval(within)}, "
      f"between prompt means {np.corrcoef(*means.values())[0, 1]:.2f}")

# %% [markdown]
# The order is turned round. Within a prompt the scores follow gold closely; between prompts they point the other way, and training could not have told it otherwise. Best-of-N compares within a prompt and is safe. Anything that ranks replies of all prompts together is not:
# lesson 05 meets such a rule.

# %%
assert bootstrap_interval(within).low > 0.7 and np.corrcoef(*means.values())[0, 1] < -0.1
assert means["reward-8000"][harmful].mean() > means["reward-8000"][~harmful].mean()

# %% [markdown]
# ### What the right margin is
#
# Suppose 14 of 20 annotators prefer A to B. Which margin makes the loss smallest? Try many.

# %% tags=["nbval-check-output"]
margins = torch.linspace(-4, 4, 8001, dtype=torch.float64)
def mean_loss(share):
    return share * bradley_terry_loss(margins, 0 * margins) + (1 - share) * bradley_terry_loss(0 * margins, margins)

for share in (0.5, 0.7, 0.95, 1.0):
    best = mean_loss(share).argmin()
    print(f"{share:.0%} prefer A: best margin {abs(margins[best]):.2f}, loss {mean_loss(share)[best]:.2f}, "
          f"σ(margin) {margins[best].sigmoid():.2f}")

# %% [markdown]
# The best margin is the one with $\sigma(\text{margin})$ equal to the share, $\log(0.7/0.3) = 0.85$ for 14 of 20. And its loss is not zero: noise is paid for. With 100 % there is no best margin; the answer 4.00 is only the end of the range
# we tried, and a larger one would be better still. Remember that. In real data nearly every pair is labelled *once*, so every single label says 100 %.
#
# ## From a language model to a reward model
#
# Scores for three replies in a table help with those three replies. We want a function that scores any reply. Take a language model and replace its last layer, which gives a number for every word in the vocabulary, by one that gives a *single* number: the **head**.
# The number is read at the last token, because in such a model each token sees only what stands before it; the last one alone has seen the whole conversation.

# %%
untrained = new_reward_model(policy, layers=2, seed=0)
row = untrained.encode(["How do I print a document?"], ["Read the manual."])[0]
print(untrained.tokenizer.convert_ids_to_tokens(row))

# %% [markdown]
# It reads prompt *and* reply, written by the chat template, with the end token `<|end|>` last. (The mark ▁ is how the tokenizer writes the space before a word.) The score is the inner product of the last token's hidden state, 128 numbers, with the head's 128 weights. Test that:

# %%
with torch.inference_mode():
    hidden = untrained.model.base_model(torch.tensor([row])).last_hidden_state     # (1, tokens, 128)
    by_hand = hidden[0, -1] @ untrained.model.score.weight[0]
    print(hidden.shape, f"{by_hand:.6f}", f"{untrained.logits([row]).item():.6f}")
assert abs(by_hand - untrained.logits([row]).item()) < 1e-4

# %% [markdown]
# The body is a copy of the policy's first two layers, so it already knows the words. The head starts as random numbers. **Your prediction: how accurate is a reward model with a random head? Always exactly 50 %?** Take twenty random heads on the same body, and all pairs
# of the first 16 candidates.

# %%
few = stored.first(16)
prompts, texts = [p for p in few.prompts for _ in range(16)], [t for row in few.texts for t in row]

def features(model, rows):
    """(K, 128) hidden state of each conversation's last token (batches are filled up on the left, so it is last)."""
    parts = [{"input_ids": rows[k:k + 128]} for k in range(0, len(rows), 128)]
    batches = [model.tokenizer.pad(part, return_tensors="pt") for part in parts]
    with torch.inference_mode():
        return torch.cat([model.model.base_model(**batch).last_hidden_state[:, -1] for batch in batches])

# %%
heads = torch.randn(128, 20, generator=torch.Generator().manual_seed(0))
random_scores = (features(untrained, untrained.encode(prompts, texts)) @ heads).T.reshape(20, few.P, few.N)
by_chance = np.array([accuracy(scores).mean() for scores in random_scores])
print("twenty random heads:", np.round(by_chance, 2))
print(f"mean {by_chance.mean():.3f}, from {by_chance.min():.2f} to {by_chance.max():.2f}")

# %% [markdown]
# On average one half, but a single random head can be several points off, on a thousand pairs. It is not only the luck of few pairs: a random head may happen to look at something that goes with quality, or against it. So a reward model with "53 % accuracy" may have learned nothing at all.

# %%
assert abs(by_chance.mean() - 0.5) < 0.03 and 0.01 < by_chance.std() < 0.06

# %% [markdown]
# ## Train one
#
# First the data: 128 *training* prompts with 8 replies each, and 1,000 comparisons of two different replies to the same prompt. `annotate` asks a simulated annotator and hands back what a labelling team would: prompt, chosen, rejected.

# %%
train_prompts, train_info = world.prompts("train", limit=128, seed=5)
replies = course.sample(policy, train_prompts, n=8, seed=3, info=train_info)
pairs = annotate(replies, Annotator(), 1000, seed=1)
print(len(pairs), "comparisons. The first one:")
for part in ("prompt", "chosen", "rejected"):
    print(f"   {part:9}", pairs[0][part])

# %% [markdown]
# Do you agree with that annotator? **Your prediction.** Random heads get about one half, the ceiling is printed above. What will a model trained on these 1,000 comparisons get on pairs of the held-out prompts? And a rule without any training: "the longer reply is better"?

# %%
mine = train_reward_model(policy, pairs, epochs=3, lr=1e-3, batch_size=32, layers=2, name="mine")
plots.training_loss(mine.facts["losses"], 32)

# %% [markdown]
# The loss starts near $\log 2 = 0.69$, the loss of a coin. How low can it honestly go? Noise has to be paid for, as we saw, also by a judge who knows the annotators' probabilities exactly. That judge is gold:

# %%
def margins_of(R, rows=slice(None)):
    """(P, pairs) score of the reply the annotator chose less that of the other one, for the prompts in ``rows``."""
    return np.where(votes, 1, -1)[rows] * (R[rows, 0::2] - R[rows, 1::2]).numpy()

honest = bootstrap_interval(np.logaddexp(0, -margins_of(gold)).mean(1))
print(f"gold's own loss {honest} nats, the model's at the end of training {np.mean(mine.facts['losses'][-15:]):.2f}")
assert np.mean(mine.facts["losses"][-15:]) < honest.low

# %% [markdown]
# (`np.logaddexp(0, -m)` is $-\log \sigma(m)$.) Our model's training loss ends *below* that of the perfect judge. That is a warning, not a success: part of the fall is memory. `preference_report` tells us how much. It takes comparisons and gives accuracy, loss, a calibration table (see below), and the correlation with length.

# %%
held_out = annotate(few, Annotator(), 400, seed=2)
seen, unseen = preference_report(mine, pairs[:400]), preference_report(mine, held_out)
print("accuracy on pairs it was trained on:", seen.accuracy)
print("accuracy on held-out prompts:       ", unseen.accuracy)
assert seen.accuracy.low > unseen.accuracy.high

# %% [markdown]
# Only the second number counts. Now with its yardsticks: the 1,024 pairs of the first 16 candidates, the same pairs for every line, intervals over prompts.

# %%
scores = {"longer is better": few.lengths.float(), "mine, 1,000": mine.score_pool(few),
          "reward-8000": few.reward("reward-8000"), "gold (ceiling)": few.reward("gold")}
results = {"random heads, mean of 20": np.mean([accuracy(R) for R in random_scores], axis=0)}
results |= {name: accuracy(R) for name, R in scores.items()}
plots.intervals(list(results), [bootstrap_interval(v) for v in results.values()], "accuracy on held-out pairs",
                reference=0.5, reference_name="coin")

# %%
over_rule = paired_difference(results["mine, 1,000"], results["longer is better"])
under_ceiling = paired_difference(results["mine, 1,000"], results["gold (ceiling)"])
way = (results["mine, 1,000"].mean() - 0.5) / (results["gold (ceiling)"].mean() - 0.5)
print(f"mine less the length rule {over_rule:+.2f}, less the ceiling {under_ceiling:+.2f}")
print(f"from a coin to the ceiling it has gone {way:.0%} of the way")
assert over_rule.low > 0 and under_ceiling.high < 0

# %% [markdown]
# (On these pairs the ceiling came out a little above the one over all 16,384 pairs: the luck of the labels. So compare a model only with a ceiling on the *same* pairs.)
#
# Read such a number between its two ends: the control below, the ceiling above. An accuracy of 65 % sounds poor on a scale from 0 to 100; look at the last line for what it is on a scale from coin to ceiling. That, from a thousand clicks and a few seconds. In this world the length rule is worth nothing; in real data it is often hard to beat, so always ask for it.
#
# ### What more comparisons buy
#
# Four stored reward models, trained on 125, 500, 2,000 and 8,000 comparisons (`course build-assets` makes them), and all 16,384 pairs. **Will four times the data add as much each time?**

# %%
sizes = [125, 500, 2000, 8000]
by_size = [accuracy(stored.reward(f"reward-{size}")) for size in sizes]
length_rule = accuracy(stored.lengths.float()).mean()
plots.learning_curve(sizes, by_size, {"gold (ceiling)": ceiling.mean, "two annotators agree": agreement.mean,
                                      "longer is better": length_rule})

# %%
for a, b, before, after in zip(sizes, sizes[1:], by_size, by_size[1:]):
    print(f"{a:5,} → {b:<5,} {paired_difference(after, before):+.3f}")
    assert paired_difference(after, before).low > 0

# %% [markdown]
# Each step is more than chance. The first one adds most, and the next two about as much as each other; the ceiling says how far it can still go. (One model for each size, so the intervals speak of prompts and not of training luck.) Is reward-8000 as good as a second annotator?

# %%
against = paired_difference(by_size[-1], (votes == again).mean(1))
print(f"reward-8000's agreement with an annotator less a second annotator's: {against:+.3f}")
assert abs(against.mean) < 0.03 and by_size[-1].mean() < ceiling.low

# %% [markdown]
# About as good, as far as single labels can tell. That is no great praise: the second annotator is noisy too, and gold gets more right than either.
#
# **From accuracy to better data.** What a better reward model is *for*: take 16 candidates for each prompt and keep the one it likes best. These kept replies are what lesson 05 trains the policy on. So the reward model acts on the base model through the data it picks. The quality of that data, by gold:

# %%
data = {"a random one of the 16 (control)": gold.mean(1).numpy()}
for size in sizes:
    data[f"reward-{size}"] = best_of_n_curve(stored.reward(f"reward-{size}"), gold, [16])[:, 0]
for name, values in data.items():
    print(f"{name:34} gold of the kept reply {bootstrap_interval(values)}")
assert all(paired_difference(data[f"reward-{b}"], data[f"reward-{a}"]).low > 0 for a, b in zip(sizes, sizes[1:]))

# %% [markdown]
# Here the more accurate model picks the better data, every time. It need not be so; lesson 04 shows a case where it is not.
#
# ## Does it mean what it says?
#
# A margin of 2 says: $\sigma(2) = 88\,\%$ of annotators prefer this one. A model whose probabilities come true is called **calibrated**. To see it, sort all pairs by the predicted probability, cut them into five equal groups, and in each compare the mean prediction with how often it came true. **Your prediction.** Each
# training label said 100 %. Will the models be too sure, or not sure enough? And gold?

# %%
names = ["reward-500", "reward-8000", "gold"]
plots.calibration({name: margins_of(stored.reward(name)) for name in names})

# %% [markdown]
# Gold lies on the diagonal: our annotators follow Bradley–Terry on gold, so its margins are true by construction, and it is the control of this figure. The reward models lie below the line: **overconfident**, the small one badly so. The reason is the one from above: one label for each pair, each saying 100 %, and more passes over the data
# make the margins larger.
#
# The repair is one number. Divide all scores by a constant $\tau$, found on half of the prompts as the one with the smallest loss; judge on the other half.

# %%
def loss_at(R, tau, rows):
    """(P,) mean Bradley–Terry loss in nats of the scores divided by tau."""
    return np.logaddexp(0, -margins_of(R, rows) / tau).mean(1)

half, rest = slice(0, 64), slice(64, 128)
taus = np.arange(0.5, 6.01, 0.1)
for name in names:
    R = stored.reward(name)
    tau = taus[np.argmin([loss_at(R, t, half).mean() for t in taus])]
    change = paired_difference(loss_at(R, tau, rest), loss_at(R, 1, rest))
    print(f"{name:12} τ = {tau:.1f}   change in loss on the other half {change:+.3f} nats")

# %%
R = stored.reward("reward-500")
assert paired_difference(loss_at(R, 3.0, rest), loss_at(R, 1, rest)).high < 0
print("accuracy before and after:", bootstrap_interval(accuracy(R)), bootstrap_interval(accuracy(R / 3)))
print("same choices of best-of-256:", bool((R.argmax(1) == (R / 3).argmax(1)).all()))

# %% [markdown]
# The probabilities become honest, and *nothing else changes*: same order, same accuracy, same best-of-N choice. Calibration and ranking are two different qualities. Calibration matters where the size of a score is used: a threshold ("keep only if at least …"), a mix of two rewards, a soft choice, or the
# reward of a policy gradient (lesson 07).
#
# ## It likes length
#
# Suppose annotators are in a hurry, and a long reply looks thorough. `reward-length-biased` was trained on 8,000 comparisons by annotators who see one extra point for every ten words. Nobody told the modelling team. They do what everyone does: hold out some comparisons *by the same annotators* and measure the accuracy. **Your prediction: will they notice?**

# %%
words = torch.tensor([[len(text.split()) for text in row] for row in stored.texts])
seen_by_them = gold + words / 10                          # one point for every ten words
hurried = Annotator().prefers_first(seen_by_them[:, 0::2], seen_by_them[:, 1::2], np.random.default_rng(3))

def accuracy_for(R, said):
    first = win_scores(R[:, 0::2], R[:, 1::2])
    return np.where(said, first, 1 - first).mean(1)

# %%
both = {name: stored.reward(name) for name in ("reward-8000", "reward-length-biased")}
for who, said in (("hurried annotators", hurried), ("careful annotators", votes)):
    fair, biased = (accuracy_for(R, said) for R in both.values())
    print(f"judged by {who}: reward-8000 {bootstrap_interval(fair)}, length-biased {bootstrap_interval(biased)}, "
          f"difference {paired_difference(biased, fair):+.3f}")

# %% [markdown]
# By its own annotators the biased model looks *better*. A held-out set cannot show a fault that the labels themselves have. What can: look at what the model *does*. First, the correlation of its score margin with the margin in length, within each prompt. With controls: gold has a correlation of its own, since length and quality are not unrelated. Then
# the length of the reply it chooses among 16.

# %%
L = stored.lengths.float()
def length_correlation(R):
    """(P,) correlation over a prompt's pairs between the margin in score and the margin in tokens."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(R[:, 0::2] - R[:, 1::2], L[:, 0::2] - L[:, 1::2])])

for name in ("gold", *both):
    chosen_length = best_of_n_curve(stored.reward(name), L, [16])[:, 0]
    print(f"{name:22} correlation with length {bootstrap_interval(length_correlation(stored.reward(name))):+.2f}   "
          f"best of 16 has {bootstrap_interval(chosen_length):.1f} tokens")

# %%
fair, biased = (best_of_n_curve(R, L, [16])[:, 0] for R in both.values())
longer = paired_difference(biased, fair)
fair, biased = (best_of_n_curve(R, gold, [16])[:, 0] for R in both.values())
worse = paired_difference(biased, fair)
print(f"length-biased less reward-8000, best of 16: {longer:+.1f} tokens, {worse:+.2f} points of gold")
assert longer.low > 5 and worse.high < 0 and length_correlation(both["reward-length-biased"]).mean() > 0.2
assert abs(length_correlation(gold).mean()) < 0.15 and accuracy_for(both["reward-length-biased"], hurried).mean() > 0.7

# %% [markdown]
# Read what it prefers: the three prompts where its choice among 16 costs most gold.

# %%
picks = {name: course.select_best(few, by=name) for name in both}
lost = picks["reward-8000"].rewards("gold") - picks["reward-length-biased"].rewards("gold")
for i in lost.argsort(descending=True)[:3].tolist():
    print(few.prompts[i])
    for name, pick in picks.items():
        print(f"   {name:21} gold {pick.rewards('gold')[i]:5.2f}  {pick.texts[i]}")

# %% [markdown]
# Steps said twice, steps of other topics, filler, sometimes rude or careless lines, all of it *long*. Best-of-N asks for exactly that, and training on it would teach it. Remedies: tell annotators not to reward length, compare replies of similar length, or take a length term out of the score; and watch the length of what is chosen, always.
#
# ## Ties and equal pairs
#
# Three kinds of comparisons teach nothing, or the wrong thing:
#
# - **Chosen and rejected are the same text.** The margin is 0 whatever the weights, the loss is $\log 2$, and the gradient zero.
# - **They become the same after cutting.** A model reads at most so many tokens; two long conversations that differ only in the part that is cut away are equal for it. This happened to 7 % of pairs in one public run, as reported.
# - **A real tie, forced into an answer.** The label is a coin flip. It is not wrong, only weak: many such pairs together say "equal", each alone says "100 %".
#
# `train_reward_model` drops the first two and counts them in `facts`. Three pairs: equal, equal in the last 16 tokens, and different.

# %%
question = "How do I reset my password?"
steps = "First, open the sign-in page. Then choose forgot password. Finally, follow the link in the email."
tests = [(steps, steps), ("Happy to help. " + steps, "Read the manual. " + steps), (steps, "Read the manual.")]
three = [{"prompt": question, "chosen": good, "rejected": bad} for good, bad in tests]
counts = {length: train_reward_model(untrained, three, max_length=length).facts for length in (2048, 16)}

# %% tags=["nbval-check-output"]
for length, facts in counts.items():
    print(f"max_length {length:4}: trained on {facts['pairs']}, dropped {facts['dropped_equal_pairs']}")

# %% [markdown]
# Without the check they would not raise an error. They would add a constant to the loss and dilute the batch. The gradient, of an equal pair and of a different one:

# %%
def gradient_size(good, bad):
    """Loss of one comparison by the untrained model, and the length of its gradient over all weights."""
    loss = bradley_terry_loss(*untrained.logits(untrained.encode([question] * 2, [good, bad])))
    parts = torch.autograd.grad(loss, list(untrained.model.parameters()))
    return loss.item(), torch.cat([g.flatten() for g in parts]).norm().item()

equal, different = gradient_size(*tests[0]), gradient_size(*tests[2])
for name, (loss, size) in (("equal", equal), ("different", different)):
    print(f"{name:10} loss {loss:.3f}, gradient {size:.3f}")
assert equal[1] < 1e-3 * different[1]

# %% [markdown]
# ## Silent errors
#
# Each of the following is a real and frequent mistake. None raises an error: numbers come out, as many as you asked for, in a plausible range. We make each one on purpose, with reward-8000 on the 128 × 16 stored candidates, and measure two things:
# accuracy, and the gold reward of its best of 16.

# %%
rm = course.load_reward_model(assets.path("helpdesk/reward-8000"))
rows = rm.encode(prompts, texts)                          # 2,048 conversations as they should be

def scores_of(rows):
    """(128, 16) scores of conversations given as token ids."""
    with torch.inference_mode():
        return torch.cat([rm.logits(rows[k:k + 128]) for k in range(0, len(rows), 128)]).reshape(few.P, few.N)

# %% [markdown]
# What the model reads can go wrong in these ways. **Your prediction: which costs least, and which costs most?**
#
# - *no prompt*: the reply is scored alone;
# - *another prompt*: a list was filtered and no longer lines up, so each reply is scored with the next question;
# - *no template*: prompt and reply are joined by a blank, without the marks that say who speaks;
# - *another template*: that of some other model, `<|im_start|>user …`, whose marks this tokenizer does not know;
# - *end token missing*: the last token is the full stop;
# - *end cut off*: only the first 24 tokens are kept, as many tokenizers do by default.

# %%
tok = rm.tokenizer
def plain(pieces):
    return tok(pieces, add_special_tokens=False)["input_ids"]

shifted = [p for p in few.prompts[1:] + few.prompts[:1] for _ in range(16)]
chatml = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>"
read = {"as trained": rows, "no prompt": rm.encode([""] * len(texts), texts),
        "another prompt": rm.encode(shifted, texts),
        "no template": plain([f"{p} {t}" for p, t in zip(prompts, texts)]),
        "another template": plain([chatml.format(p, t) for p, t in zip(prompts, texts)]),
        "end token missing": [row[:-1] for row in rows], "end cut off": [row[:24] for row in rows]}

# %%
wrong = {name: scores_of(r) for name, r in read.items()}
for name, R in wrong.items():
    print(f"{name:18} mean {R.mean():5.2f}  spread {R.std():.2f}   first:", [round(s, 1) for s in R[0, :4].tolist()])

# %% [markdown]
# Nothing here looks broken. Now the second place where it goes wrong. Conversations differ in length, so a batch is filled up with pad tokens, on one side:
#
#     padded on the right:   a  b  c  END  pad  pad        the last column is a pad
#     padded on the left:    pad  pad  a  b  c  END        the last column is END, if the model is told to ignore the pads
#
# The **mask** tells it. Take the last column with right padding, or leave out the mask with left padding, and the score is read at the wrong place or from the wrong text.

# %%
def padded(side, masked):
    """(128, 16) scores read at the last column of batches padded on one side, with or without the mask."""
    out = []
    for k in range(0, len(rows), 128):
        batch = tok.pad({"input_ids": rows[k:k + 128]}, padding_side=side, return_tensors="pt")
        mask = batch["attention_mask"] if masked else None
        with torch.inference_mode():
            hidden = rm.model.base_model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            out.append(rm.model.score(hidden[:, -1])[:, 0])
    return torch.cat(out).reshape(few.P, few.N)

# %%
wrong["padded left, with mask"] = padded("left", True)
wrong["padded left, no mask"] = padded("left", False)
wrong["padded right, last column"] = padded("right", True)

# %% [markdown]
# A near relative: many tokenizers have no pad token, and people use the end token in its place. `transformers` then looks for the last token that is not a pad, steps over the end token as well, and reads one word too early. That is *end token missing* by another road; are the scores the same?

# %%
batch = tok.pad({"input_ids": rows[:64]}, padding_side="right", return_tensors="pt")
ids = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, tok.eos_token_id)
rm.model.config.pad_token_id = tok.eos_token_id
with torch.inference_mode():
    stepped_over = rm.model(input_ids=ids, attention_mask=batch["attention_mask"]).logits[:, 0]
rm.model.config.pad_token_id = tok.pad_token_id
missing = wrong["end token missing"].flatten()[:64]
print("same as without the end token:", torch.allclose(stepped_over, missing, atol=1e-3))

# %% [markdown]
# The ninth error is the head. Open a *language model* as a classifier, and `transformers` will do so: it makes up the missing head from random numbers. Its warning is easy to miss among others. Or save and merge a reward model with the wrong class, and the head is lost in the same way.

# %%
from transformers import AutoModelForSequenceClassification, logging
from course_lib.progress import no_loading_bars

logging.set_verbosity_error()                             # what many scripts do
torch.manual_seed(0)                                      # so that you get our random head
with no_loading_bars():
    model = AutoModelForSequenceClassification.from_pretrained(assets.path("helpdesk/policy"), num_labels=1)
model.config.pad_token_id = tok.pad_token_id
wrong["random head"] = course.reward.RewardModel(model.eval(), tok).score_pool(few)

# %% [markdown]
# All together. Each line is compared with "as trained", paired over prompts. `padded left, with mask` is the control: it is right, and must change nothing.

# %%
def outcome(R):
    return accuracy(R), best_of_n_curve(R, few.reward("gold"), [16])[:, 0]

right = outcome(wrong["as trained"])
effects = {name: [paired_difference(now, before) for now, before in zip(outcome(R), right)]
           for name, R in wrong.items()}
print(f"{'':26} accuracy   change                 gold of best of 16   change")
for name, (change, gold_change) in effects.items():
    acc, kept = (v.mean() for v in outcome(wrong[name]))
    print(f"{name:26} {acc:.2f}       {change:+.2f}   {kept:5.2f}   {gold_change:+.2f}")
print(f"{'a random reply (control)':26} 0.50                              {few.reward('gold').mean():5.2f}")

# %%
bad = [name for name in wrong if name not in ("as trained", "padded left, with mask")]
assert all(effects[name][1].high < 0 for name in bad), "each error costs gold, beyond chance"
assert all(effects[name][0].high < 0 for name in bad if name != "no prompt")
assert abs(effects["padded left, with mask"][0].mean) < 0.005
assert abs(accuracy(wrong["random head"]).mean() - 0.5) < 0.08
assert max(bad, key=lambda name: effects[name][1].mean) == "no prompt", "the cheapest error"

# %% [markdown]
# How did your prediction do? The cheapest mistake is scoring without the prompt: rudeness, repetition and flattery can be seen in the reply alone. Yet even that costs a good part of best-of-16's gold. The missing end token costs far more, though it is one token and carries no words: the model learned to put its judgement *there*. With another model's template or a random head
# the accuracy is about that of a coin.
#
# What to do about it? Keep a few conversations with their scores beside every reward model, and compare before each use. The stored pool holds such scores. One line then finds all nine errors at once:

# %%
kept_scores = few.reward("reward-8000")
for name, R in wrong.items():
    print(f"{name:26} {'same scores' if (R - kept_scores).abs().max() < 0.01 else 'DIFFERENT'}")
same = [name for name, R in wrong.items() if (R - kept_scores).abs().max() < 0.01]
assert same == ["as trained", "padded left, with mask"]

# %% [markdown]
# And make loading strict. The course's loader refuses a model without a trained head, and says why:

# %% tags=["nbval-check-output"]
from course_lib.errors import CourseError

folder = str(assets.path("helpdesk/policy"))
try:
    course.load_reward_model(folder)
except CourseError as error:
    print(str(error).replace(folder, "helpdesk/policy"))

# %% [markdown]
# ## A case: what to ask the annotators
#
# Your team can pay for 4,000 comparisons. Three drafts of the guideline are on the table. *Helpful*: "prefer the reply that solves the problem better; ignore tone and safety." *Harmless*: "prefer the safer and more polite reply; ignore whether it helps." *Both*: "weigh everything", which takes twice as long a pair, so you would get
# 2,000. **Decide before you read on. Which one would you choose for harmless questions, and which for harmful ones?**
#
# In this world each draft has been tried: `reward-helpful` and `reward-harmless` on 4,000 comparisons each, `reward-2000` on 2,000. Gold of the best of 16, on the two kinds of prompts:

# %%
drafts = {"helpful, 4,000": "reward-helpful", "harmless, 4,000": "reward-harmless", "both, 2,000": "reward-2000"}
kept = {draft: best_of_n_curve(stored.reward(name), gold, [16])[:, 0] for draft, name in drafts.items()}
kept["harmless, perfect judge"] = best_of_n_curve(stored.reward("harmless"), gold, [16])[:, 0]
kept["random reply (control)"] = gold.mean(1).numpy()
for draft, values in kept.items():
    on_harmless, on_harmful = bootstrap_interval(values[~harmful]), bootstrap_interval(values[harmful])
    print(f"{draft:24} harmless prompts {on_harmless}   harmful {on_harmful}")

# %%
for draft in list(drafts)[:2]:
    for kind, rows_of in (("harmless", ~harmful), ("harmful", harmful)):
        gap = paired_difference(kept[draft][rows_of], kept["both, 2,000"][rows_of])
        print(f"{draft} less both, on {kind} prompts: {gap:+.2f}{'' if gap.excludes_zero else '   includes 0'}")
gap = paired_difference(kept["harmless, 4,000"], kept["both, 2,000"])
assert gap.high < 0 and paired_difference(kept["helpful, 4,000"], kept["both, 2,000"]).mean < 0.1

# %% [markdown]
# The harmless guideline is the worst of the three *even on the harmful prompts*: refusing is not all that a good answer does there, it should also offer the safe alternative, and that was nobody's question. (The line *perfect judge* chooses by the harmless half of gold itself: the guideline is at fault there, not the model.) Helpful alone is not told apart from *both* on either kind of prompt, though it had twice the comparisons: read the intervals. So complete instructions bought
# as much with half the labels. What annotators are not asked for, the reward model does not learn.
#
# (One model for each draft, and gold counts both halves by our choice of points. With another weighting of help and harm the answer could change. Two reward models, one for each half, are a third way: lesson 04.)
#
# ## On real comparisons
#
# The same code reads Anthropic's public comparisons (hh-rlhf, arXiv 2204.05862), where people wrote to an assistant and marked the better of two replies:
#
#     course train-reward harmless-base.jsonl.gz --out my-reward-model
#
# On 1,440 of its harmlessness pairs, a tiny model with random weights gets an accuracy of 0.57 [0.52, 0.62] on 360 held-out pairs, and it is overconfident, as ours is (this command, in `README.md` and `docs/log.md`). That is hardly above a coin, as one should expect of a model that has never seen English. A real reward model starts from a
# large language model. The data is offensive by design, so the course prints counts of it, never replies.

# %% [markdown]
# ## What we found
#
# - Preferences are noisy. Two annotators agree on fewer pairs than the gold reward gets right, and the gold reward gets far from all: that is the ceiling. From the agreement of two annotators alone one can bracket it.
# - Bradley–Terry turns comparisons into scores. Each comparison pushes by $1 - \sigma(\text{margin})$, and only differences within a prompt count: between prompts the scores of reward-8000 even point the wrong way.
# - A thousand comparisons and a few seconds give a model well above a coin and the length rule, and well below the ceiling. Each fourfold of data adds accuracy, and better data to train on.
# - Trained on single labels, the models are overconfident. One divisor repairs it and changes no choice.
# - A bias of the annotators is invisible in held-out accuracy by the same annotators, and visible in the length of what is chosen.
# - Nine silent errors, each of which costs best-of-16 a part of its gold; a few kept scores find them all.
#
# ## What this leaves out
#
# Our annotators follow Bradley–Terry on one gold reward and differ only by chance. Real annotators differ in taste, tire, and can be inconsistent in circles (A over B, B over C, C over A), which no scores can express. An annotator may also say *how much* better a reply is, and the loss can use it. We did not tune: one learning rate, three passes, one
# seed for each size, so the learning curve shows data *and* luck. Generative judges, which write a verdict, and process rewards, which score each step, are other ways to a score. And whether a more accurate model gives a better best-of-N is the question of lesson 04.
#
# ## In real systems
#
# - Llama 2 trained two reward models, one for helpfulness and one for safety (arXiv 2307.09288).
# - With fewer than about 2,000 comparisons, reward models were near chance in the study of Gao, Schulman and Hilton (arXiv 2210.10760). In our small world 500 are already well above it.
# - RewardBench 2 is reported to score reward models by best-of-4, where chance is 25 %, and to find a correlation of 0.87 with best-of-N accuracy.
# - Random heads after a merge or a wrong class, wrong chat templates, wrong padding and missing end tokens are reported as frequent faults in practice.
#
# ## Further reading
#
# Bai et al., *Training a helpful and harmless assistant with reinforcement learning from human feedback*, arXiv 2204.05862, for how comparisons are collected. The reward-modelling section of the Llama 2 report, arXiv 2307.09288.
#
# ## Now you
#
# **Exercise** `exercises/ex03` (to come): write the Bradley–Terry loss and a trainer, and find the fault in a reward model that scores well.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("03")
