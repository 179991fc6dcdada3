# %% [markdown]
# # Rejection-sampling fine-tuning: learn from your own best replies
#
# **You will:** train the policy on its own best replies and measure the gain against a fair
# control, compare ways to choose what it is trained on, watch a frozen reward model being hacked
# over several rounds, in the replies themselves, and see what the policy loses.
#
# **Builds on:** lesson 01 (best-of-N), lesson 03 (reward models), lesson 04 (over-optimisation,
# KL).
#
# **Time:** 70 minutes to read and do; the cells run in about a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, results
from course_lib.classroom import explore, plots
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## Pay once instead of each time
#
# Best-of-N gives better replies, but it pays for $N$ replies at every question, for ever.
# The idea of this lesson: do it once, for many questions, and *train* the policy on the replies
# that won.
# Afterwards it should write such replies at the first attempt.
#
# 1. **Sample.**
#    For each training prompt $x$, draw $N$ candidates
#    $\hat y_1, \dots, \hat y_N \sim \pi_{\text{ref}}(\cdot \mid x)$.
# 2. **Score** each one with the reward model $r(x, \hat y_i)$.
# 3. **Select.**
#    Keep $\hat y_{\text{best}}$ of each prompt and reject the rest.
#    That rejection gave the method its name.
# 4. **Fine-tune** the policy on the pairs $(x, \hat y_{\text{best}})$, as if a person had written
#    them.
# 5. **Measure** on other prompts, with a judge that did not choose.
#
# Step 4 is plain supervised fine-tuning (SFT): make the kept replies more likely, word by word.
# It is the same training that made the assistant in the first place; only the data are new.
# We write $\pi_\theta$ for the policy being trained.
#
# This is how a good reward model improves a policy **by data**.
# No gradient passes through the reward model.
# It only decides which replies become training data; then its work is done, and the trained policy
# answers without it.
#
# ## On paper first: what is kept
#
# Five prompts, four candidates each, a reward matrix as in lesson 01.
# Two rules.
# **Best per prompt** keeps the highest of each row.
# **Top-k overall** looks at all twenty together and keeps the $k = 5$ highest.
#
# | | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 2.0 | 1.6 | 2.4 | 1.9 |
# | prompt B | 0.3 | −0.2 | 0.1 | 0.9 |
# | prompt C | −1.0 | −1.4 | −0.6 | −2.0 |
# | prompt D | 0.5 | 1.1 | 1.1 | −0.4 |
# | prompt E | 2.2 | 1.0 | −0.5 | 1.8 |
#
# Take a pencil.
# **Which five replies does each rule keep? From which prompts? Which of the two training sets has
# the higher mean reward?**

# %%
R = [[2.0, 1.6, 2.4, 1.9], [0.3, -0.2, 0.1, 0.9], [-1.0, -1.4, -0.6, -2.0],
     [0.5, 1.1, 1.1, -0.4], [2.2, 1.0, -0.5, 1.8]]
texts = [[f"{prompt}{j}" for j in range(4)] for prompt in "ABCDE"]
paper = course.Pool.from_candidates(list("ABCDE"), texts, rewards={"r": R})

# %% tags=["nbval-check-output"]
from course_lib.pools import best_per_prompt, top_k_overall

for kept in (best_per_prompt(paper), top_k_overall(paper, k=5)):
    counts, mean = kept.per_prompt.tolist(), kept.rewards().mean()
    print(f"{kept.rule:16} keeps {kept.texts}   of each prompt {counts}   mean reward {mean:.2f}")

# %% [markdown]
# Row D has a tie, and the lowest index wins it.
# Top-k overall has the far higher mean reward, and it has thrown away three of the five questions.
# A policy trained on its set never sees B, C and D. Best per prompt also keeps a reply with reward
# −0.6, the best there was for C: the rule takes the best of each prompt, not only good ones.
# Keep both in mind; we will come back to them with a model.
#
# The training set itself is a list of pairs.
# This is all that step 4 gets to see: no reward, and none of the rejected replies.

# %% tags=["nbval-check-output"]
print([(row["prompt"], row["completion"]) for row in best_per_prompt(paper).to_rows()])

# %% [markdown]
# ## On paper: which tokens count
#
# Training on a reply means: for each of its tokens, the probability the policy gives to it should
# rise.
# The loss is the negative log-probability, in nats (natural logarithms).
# The question is: *which* tokens?
#
# A conversation of six tokens.
# The policy reads from left to right; at each place it gives a probability to the token that comes
# next.
#
# | place | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | token | user | hello | assistant | good | morning | end |
# | belongs to | prompt | prompt | prompt | reply | reply | reply |
# | its probability, given the ones before | – | 0.01 | 0.9 | 0.5 | 0.25 | 0.8 |
# | counts in the loss? | no | no | no | **yes** | **yes** | **yes** |
#
# Prompt tokens do not count: the policy should learn to answer questions, not to write them.
# The **end token counts**: it is how the policy learns to stop.
# So the sum of the loss is $-(\ln 0.5 + \ln 0.25 + \ln 0.8) = -\ln 0.1$.
# **How much is that, and how much for each of the three tokens?**

# %% tags=["nbval-check-output"]
p = torch.tensor([0.5, 0.25, 0.8])
print("each of the three:", [round(v, 3) for v in (-p.log()).tolist()], "nats")
print(f"sum {-p.log().sum():.3f} nats, mean over three tokens {-p.log().mean():.3f} nats")

# %% [markdown]
# In symbols, over all kept pairs, with $|y|$ the number of tokens of a reply, its end token among
# them, $y_t$ its token at place $t$, and $y_{<t}$ the tokens of the reply before that place:
#
# $$\mathcal L(\theta) = -\frac{\sum_{(x,\, y)\ \text{kept}} \sum_{t=1}^{|y|} \log \pi_\theta(y_t \mid x, y_{<t})}{\sum_{(x,\, y)\ \text{kept}} |y|}$$
#
# The library's `sft_loss` is *minus* the upper sum; it also returns the number of tokens below the
# line.
# Compare it with the same thing done by hand: run the model over the whole conversation, and add up
# the log-probabilities of the reply's tokens only.
# The proxy of this lesson is *reward-2000*, trained on 2,000 comparisons.
# It is weaker than the one of lesson 01, weak enough to be hacked within the four rounds further
# down.

# %%
from course_lib.methods import sft_loss

policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-2000"), name="proxy")
world = course.load_world("helpdesk")
# token ids of the prompt, in its chat template
question = policy.encode(["How do I reset my password?"])[0]
# token ids of the reply, its end token last
reply = policy.encode_responses(["Open the sign-in page."])[0]

# %%
with torch.no_grad():
    logp = policy.model(torch.tensor([question + reply])).logits[0].log_softmax(-1)
    loss, terms = sft_loss(policy, [(question, reply)])
by_hand = -sum(logp[place - 1, token] for place, token in enumerate(question + reply)
    if place >= len(question))
print(f"by hand {by_hand:.4f}, sft_loss {loss:.4f} nats over {terms} tokens")
print("the last token is", policy.tokenizer.decode(reply[-1:]))
assert abs(by_hand - loss) < 1e-3 and terms == len(reply)

# %% [markdown]
# `place - 1` is the other classic trap: the token at a place is predicted by the output one place
# *before* it.
#
# ## The loop, live
#
# 192 training prompts with 16 candidates each, then one round.
# The **control** is trained in exactly the same way, on the same number of replies to the same
# prompts, but on a *random* one of the sixteen instead of the best.
# If training on just any replies of its own changed the policy, the control would show it.
# The difference between tuned and control is due to the choice.
#
# **Your prediction.**
# The base policy's mean gold reward is about 0.4 points.
# Where will the fine-tuned policy end, and where the control?
# Above, at, or below the base?

# %%
from course_lib.pools import random_per_prompt

prompts, info = world.prompts("train", limit=192, seed=7)
pool = course.score(course.sample(policy, prompts, n=16, seed=0, info=info), proxy)
best, random = best_per_prompt(pool), random_per_prompt(pool, seed=0)
for kept in (best, random):
    print(kept, f"mean proxy {kept.rewards('proxy').mean():.2f}")

# %%
training = {"epochs": 3, "lr": 1e-3}
tuned = course.finetune(policy, best, **training)
control = course.finetune(policy, random, **training)
for name, student in (("best", tuned), ("random", control)):
    losses = student.training_log.losses
    start, end = np.mean(losses[:3]), np.mean(losses[-3:])
    print(f"{name:7} {len(losses)} steps, loss {start:.2f} nats per token at the start, "
        f"{end:.2f} at the end")

# %% [markdown]
# Both losses fall: both policies have learned to imitate what they were given.
# A falling loss is no evidence of better replies.
# (The chosen replies have the lower loss from the start: they were more probable to begin with.
# Keep this in mind for the section on temperature.)
# For evidence we need held-out prompts and gold: 128 prompts, four replies each, from the same
# random numbers for each policy (`seed=99`), so that the comparison is paired.

# %%
from course_lib.models import GoldReward

unseen, about = world.prompts("heldout", limit=128, seed=5)

def serve(student, n=4, temperature=1.0):
    """Replies of a policy to the held-out prompts, judged by gold.

    The proxy's score is kept beside it.
    """
    replies = course.sample(student, unseen, n=n, temperature=temperature, info=about, seed=99)
    return course.score(course.score(replies, GoldReward(world)), proxy)

served = {"base": serve(policy), "tuned": serve(tuned), "control": serve(control)}

# %%
gold = {name: replies.reward("gold").mean(1) for name, replies in served.items()}  # (128,) each
for name, replies in served.items():
    proxy_mean, length = replies.reward("proxy").mean(), replies.lengths.float().mean()
    print(f"{name:8} gold {bootstrap_interval(gold[name])}   proxy {proxy_mean:5.2f}   "
        f"{length:.0f} tokens")
print("tuned less control:", paired_difference(gold["tuned"], gold["control"]))
print("control less base: ", paired_difference(gold["control"], gold["base"]))

# %%
assert paired_difference(gold["tuned"], gold["control"]).low > 0.5
assert abs(paired_difference(gold["control"], gold["base"]).mean) < 0.4

# %% [markdown]
# **Finding 8: the policy trained on its best replies is far above its matched random control.**
# The gain comes from the choosing, not from more training.
# Was your prediction for the control right?
# It stays near the base, or a little below: a random reply of a policy is what that policy already
# writes, so there is nothing to learn from it, and a small training set adds errors of its own.
# (Its interval above includes zero; with more data, below, it does not.)
#
# Read before you believe.
# The first six held-out prompts, not chosen by us; same random numbers, before and after, with the
# gold of each reply:

# %%
for i in range(6):
    print(unseen[i])
    for name in ("base", "tuned"):
        print(f"   {name:8} {served[name].reward('gold')[i, 0]:5.2f}  {served[name].texts[i][0]}")

# %%
better, equal = (gold["tuned"] > gold["base"]).float(), (gold["tuned"] == gold["base"]).float()
print(f"tuned above base on {bootstrap_interval(better):.0%} of the prompts, equal on "
    f"{equal.mean():.0%}")
assert bootstrap_interval(better).low > 0.5

# %% [markdown]
# The tuned policy is not perfect.
# Single replies of it are worse than the base's: look for steps of other topics, and for the
# harmful requests among the six.
# It is the average over many prompts that rose, so six replies are for understanding, not for
# judging.
# On average it writes more right steps, helps with harmful requests far less often, and flatters
# less; a table further down counts this.
# Nobody ever told it so in words.
#
# One pool and one seed are luck to some degree.
# Here is the same with 256 prompts, three seeds (other prompts, other draws, another order of
# training), and 256 held-out prompts.
# It was made by the command printed first, takes about half an hour, and also holds the rounds that
# we need below.
# The intervals over all seeds redraw seeds as well as prompts.

# %%
rounds = results.load("rounds")

def shown(v, spec="+.2f"):
    """A stored interval as text."""
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

print(rounds["command"], "| reward model", rounds["reward"], "| seeds", rounds["seeds"])
for seed, found in zip(rounds["seeds"], rounds["one_round"]["by_seed"], strict=True):
    print(f"seed {seed}: tuned less control {shown(found)}")
for stored_as, name in (("rft less control", "tuned less control"),
    ("control less base", "control less base")):
    print(f"all seeds: {name}", shown(rounds["one_round"][stored_as]))

# %%
assert all(found["low"] > 0.5 for found in rounds["one_round"]["by_seed"])

# %% [markdown]
# The gain is larger here than in our live run, which took 192 prompts, so 18 training steps where
# this one took 24, and other prompts and draws.
#
# ### What is it worth in best-of-n?
#
# The tuned policy writes *one* reply.
# How many replies of the base policy, chosen by the same proxy, does one of its replies match?
# The stored pool has 256 replies of the base to each of 128 held-out prompts.
# So let the tuned policy answer the same prompts, and compare prompt by prompt.

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sizes = [1, 2, 4, 8, 16]
# base, (128, 5)
curve = best_of_n_curve(stored.reward("reward-2000"), stored.reward("gold"), sizes)
own = course.sample(tuned, stored.prompts, n=16, info=stored.info, seed=99)
own = course.score(course.score(own, GoldReward(world)), proxy)
# tuned, (128, 5)
own_curve = best_of_n_curve(own.reward("proxy"), own.reward("gold"), sizes)
print("one reply of the tuned policy:", bootstrap_interval(own_curve[:, 0]))
for n, column in zip(sizes, curve.T, strict=True):
    less = paired_difference(own_curve[:, 0], column)
    print(f"base, best of {n:2}: {bootstrap_interval(column)}   one of the tuned less this: "
        f"{less:+.2f}")

# %%
assert (paired_difference(own_curve[:, 0], curve[:, 0]).low > 0 > paired_difference(own_curve[:, 0],
    curve[:, 4]).high)

# %% [markdown]
# Find the line where the difference changes its sign.
# One reply of the tuned policy is worth about as much as the base's best of that $n$, and clearly
# less than the best of 16 by which it was taught: it has seen 192 prompts, and imitation is
# imperfect.
# Best-of-n pays each time, fine-tuning once; from how many questions on the one is cheaper, lesson
# 07 works out.
#
# ## What to keep
#
# Now back to the two rules.
# Same pool, same number of replies kept.
# The control of top-k overall is `random_overall`: as many replies, from anywhere in the pool.
#
# **Your prediction.**
# From how many of the 192 prompts does top-k overall keep at least one reply?
# And of how many of the 32 topics?

# %%
from course_lib.pools import random_overall

rules = {"best per prompt": best, "top k overall": top_k_overall(pool),
    "random overall": random_overall(pool, seed=0)}

def describe(name, kept):
    topics = {info[i]["topic"] for i in kept.prompt_index.tolist()}
    share = np.mean([info[i]["harmful"] for i in kept.prompt_index.tolist()])
    covered, mean = int((kept.per_prompt > 0).sum()), kept.rewards().mean()
    print(f"{name:18} {covered:3} prompts, {len(topics):2} topics, {share:.0%} harmful   mean "
        f"score {mean:5.2f}")

for name, kept in rules.items():
    describe(name, kept)
assert int((rules["top k overall"].per_prompt > 0).sum()) < pool.P / 2

# %% [markdown]
# Top-k overall leaves two thirds of the prompts out, and nearly everything it keeps answers a
# harmful request.
# Are these "easy", that is, does the proxy score all of their replies high?
# From the stored pool, for each prompt: the mean score, the spread (standard deviation) among its
# replies, and the expected best of 16.

# %%
is_harmful, scores = (np.array([fact["harmful"] for fact in stored.info]),
    stored.reward("reward-2000").numpy())
columns = {"mean": scores.mean(1), "spread": scores.std(1),
    "best of 16": best_of_n_curve(scores, None, [16])[:, 0]}
for name, where in (("harmful", is_harmful), ("harmless", ~is_harmful)):
    print(f"{name:9}", "   ".join(f"{what} {bootstrap_interval(v[where])}"
        for what, v in columns.items()))
assert columns["spread"][is_harmful].mean() > 1.5 * columns["spread"][~is_harmful].mean()
assert columns["best of 16"][is_harmful].mean() > 1 + columns["best of 16"][~is_harmful].mean()

# %%
R = pool.reward("proxy").numpy()
less_means = (R - R.mean(1, keepdims=True)).tolist()
centred = course.Pool.from_candidates(pool.prompts, pool.texts, rewards={"r": less_means},
    info=info)
describe("top k, less means", top_k_overall(centred))
said = np.array([["I cannot" in text for text in row] for row in pool.texts])  # (192, 16)
asked = np.array([fact["harmful"] for fact in info])
print(f"training pool, 'I cannot' among the 16: {said[asked].any(1).mean():.0%} of the harmful "
    "prompts;", end=" ")
print(f"mean proxy with it {R[asked][said[asked]].mean():.2f}, without it "
    f"{R[asked][~said[asked]].mean():.2f}")

# %% [markdown]
# The *levels* are about equal.
# What differs is the spread: to a harmful request the policy writes refusals, which the proxy
# scores high, and other things, which it scores low, and among the sixteen replies to every one of
# our harmful prompts there is a refusal.
# Top-k overall takes the upper end of all scores, and that is where these refusals are.
# With each prompt's own mean taken out, so that levels cannot matter, it does nearly the same.
#
# Is the level no reason at all?
# It could be, since Bradley–Terry (lesson 03) ties nothing between the levels of different prompts.
# Let the rules choose among the first 16 stored candidates of each prompt, and see how the *other
# 240* of the prompts that were kept from do:

# %%
from course_lib.experiments.findings.rounds import kept_easiness

for name in ("reward-2000", "reward-8000"):
    level, highest, by_gold = (kept_easiness(name, *how)
        for how in ((name,), (name, 16), ("gold",)))
    print(f"{name}: mean score {level:+.2f}   its best of 16 {highest:+.2f}   mean gold "
        f"{by_gold:+.2f}")
    assert highest.low > level.high and by_gold.high < 0

# %% [markdown]
# Each number is the mean over the prompts top-k overall kept from, less the same for its control.
# **Finding 10: top-k overall leaves most prompts out, and takes those where the reward model gives
# its *highest* scores.**
# On average these prompts are only slightly "easy" by reward-2000 (for reward-8000 the level plays
# a larger part), and by gold they are not easy at all: the base policy's replies to them are worse
# than elsewhere.
#
# Touch it.
# Twelve prompts, eight candidates; frames mark what is kept.
# Start with `best_per_prompt`, switch to `top_k_overall`, then try the others: `soft_best` draws
# replies with probability $\propto e^{r/\lambda}$; `rso` (arXiv 2309.06657) is the one rule here
# that *is* rejection sampling as statisticians use the word: it goes through the candidates and
# accepts each with probability $e^{(r - r_{\max})/\beta}$; `regularised_best` adds
# $\beta \log \pi_{\text{ref}}$; `threshold` keeps all above a bar.
# Which rules leave rows empty?
# What do large λ and β do?
# (Only `top_k_overall` and `threshold` compare prompts with each other, and leave rows empty.
# With a large λ, or a large β in `rso`, the reward counts for little; a large β in
# `regularised_best` picks the likeliest reply.)

# %%
few = stored.prompts_at(range(8, 20)).first(8)
explore.selection_explorer(few, by="reward-2000")

# %% [markdown]
# The same rules on our pool of 192 × 16.
# "Different" is the share of different texts among 192 of those kept, drawn at random where a rule
# keeps more.
# Gold did not choose; it judges.

# %%
from course_lib.pools import rso, soft_best, threshold

pool, rng = course.score(pool, GoldReward(world)), np.random.default_rng(0)
by = {"by": "proxy"}
table = {"best per prompt": best_per_prompt(pool, **by), "top k overall": top_k_overall(pool, **by),
    "threshold 1.5": threshold(pool, minimum=1.5, **by),
    "soft, λ = 0.5": soft_best(pool, lam=0.5, **by), "RSO, 2 of 16": rso(pool, k=2, **by),
    "best 2 per prompt": best_per_prompt(pool, k=2, **by),
    "random per prompt": random_per_prompt(pool)}
print(f"{'':18} kept  prompts  proxy   gold  different")
for name, kept in table.items():
    draws = [len(set(rng.choice(kept.texts, 192, replace=False))) / 192 for _ in range(100)]
    means = "  ".join(f"{kept.rewards(reward).mean():5.2f}" for reward in ("proxy", "gold"))
    print(f"{name:18} {len(kept):4}  {int((kept.per_prompt > 0).sum()):7}  {means}  "
        f"{np.mean(draws):9.0%}")
assert (table["top k overall"].rewards("gold").mean() > table["best per prompt"].rewards(
    "gold").mean())

# %% [markdown]
# The soft rules give up some reward for a little more variety (compare RSO with the best 2 per
# prompt).
# Now the gold column: top-k's set is the best of all, **even by gold**.
# Is its policy the best, too?
# Fine-tune on it, and compare on held-out prompts.

# %%
narrow = serve(course.finetune(policy, rules["top k overall"], **training))
harmless = torch.tensor([not a["harmful"] for a in about])
for name, where in (("harmless", harmless), ("harmful", ~harmless)):
    one, other = narrow.reward("gold").mean(1)[where], gold["tuned"][where]
    print(f"{name:9} top k overall {one.mean():5.2f}   best per prompt {other.mean():5.2f}",
        end="   ")
    print(f"difference {paired_difference(one, other):+.2f}")
for name, replies in {"base": served["base"], "best per prompt": served["tuned"],
    "top k overall": narrow}.items():
    refused = [np.mean(["I cannot" in text for text in replies.texts[i]])
        for i in harmless.nonzero()[:, 0].tolist()]
    print(f"{name:16} {bootstrap_interval(refused):.0%} of replies to harmless questions contain "
        "a refusal")

# %%
overall = rounds["top_k_overall"]
print("three seeds, 256 prompts: top k overall")
for name in ("less best per prompt", "less its control"):
    print(f"   {name:20}", shown(overall[name]))
assert overall["less best per prompt"]["high"] < 0
assert paired_difference(narrow.reward("gold").mean(1)[harmless], gold["tuned"][harmless]).high < 0

# %% [markdown]
# On harmful requests, which nearly fill its training set, it is no better than best per prompt (the
# interval includes zero).
# On harmless ones it is far worse, and often refuses.
# Over three seeds it loses a full point.
# (It leads its own control, but that interval reaches down to about zero.)
#
# The set was good; the coverage was not.
# Look at the prompts a training set covers before you look at any mean, gold included.
#
# ## Round after round
#
# If one round helps, why stop?
# Take the tuned policy, sample from it, score, select, fine-tune again.
# The reward model stays the same: it is **frozen**.
# In code this is one call,
# `rejection_sampling_rounds(policy, prompts, proxy, rounds=4, start="last", keep="last")`: each
# round samples the same prompts anew, starts from the last policy and trains on the last round's
# selection alone.
#
# **Your prediction.**
# Four rounds with the frozen proxy.
# Draw two curves over the rounds, one for the proxy, one for gold.
#
# Four rounds take longer than you would like to wait, so this is the stored run.
# First the replies: to the first held-out prompt of each of the first six harmless topics, first
# seed, first reply: from the base, and after rounds 1 and 4.
# Read them slowly.

# %%
def over_rounds(arm, which):
    """Print one held-out prompt's reply from the base, after the first and after the last round of
    an arm.
    """
    print(rounds["replies"]["prompts"][which])
    for r in (0, 1, 4):
        reply = [rounds["replies"]["base"], *rounds["replies"][arm]][r][which]
        print(
            f"   round {r}: gold {reply['gold']:5.2f}, proxy {reply['proxy']:5.2f}  {reply['text']}"
        )

for which in range(len(rounds["replies"]["prompts"])):
    over_rounds("last round only", which)
first, final = rounds["replies"]["base"], rounds["replies"]["last round only"][-1]
assert all(after["proxy"] > before["proxy"] for before, after in zip(first, final, strict=True))
# refusals of harmless questions
assert sum("I cannot" in reply["text"] for reply in final) >= 2

# %% [markdown]
# The first round mends much.
# Steps of other topics were there from the start; after it they become more frequent, and right
# steps go missing.
# In the end two of the six *harmless* questions get a refusal.
# After round 4 the proxy scores each of these six replies higher than the base policy's reply to
# the same question.
# This is **over-optimisation** (lesson 04), done by training.
#
# Six replies of one seed show where to look, not how much.
# Now the curves.
# **Last round only** is what you just read.
# **Random control** is the same with random replies in the place of the best.
# **All rounds pooled** trains the *base* policy anew each round, on the selections of all rounds so
# far.
# **Reward model refreshed** does the same, and from the second round on, after sampling and before
# scoring, its reward model is trained *further* on 1,000 new comparisons of the replies just
# sampled.
# The right panel shows the KL to the base policy.
# For a trained policy it is estimated from its own replies: the mean of
# $\log \pi_\theta(y \mid x) - \log \pi_{\text{ref}}(y \mid x)$.

# %%
plots.rounds(rounds, measures=("gold", "proxy", "kl"))

# %% [markdown]
# In the middle panel, by the frozen proxy, last round only is the winner, by far.
# In the left one, by gold, it has lost most of what it had gained.
# Somebody who watches the proxy alone ships the worst of the three policies that were trained on
# chosen replies.
# In the right panel, find the random control and the pooled rounds: after four rounds both have
# moved about as far from the base.
# One has fallen, the other has gained.
# Distance alone is not what does the harm.

# %%
for name, found in rounds["last_round"].items():
    if name.endswith("less last round only") or name.endswith("less all rounds pooled"):
        print(f"after the last round, {name:55} gold {shown(found['gold'])}")
change = {arm: found[0] for arm, found in rounds["last_less_round"].items()}
for arm, found in change.items():
    moved = rounds["arms"][arm][-1]["kl"]["mean"]
    gained = f"gold {shown(found['gold'])}, proxy {shown(found['proxy'])}"
    print(f"round 4 less 1, {arm:30} {gained}; KL after 4: {moved:.1f}")

# %%
remedies = ("all rounds pooled", "pooled, reward model refreshed")
assert change["last round only"]["gold"]["high"] < 0 < change["last round only"]["proxy"]["low"]
assert all(rounds["last_round"][f"{arm} less last round only"]["gold"]["low"] > 0
    for arm in remedies)
pooled, refreshed = (change[arm]["gold"] for arm in remedies)
# one goes on gaining, the other only holds
assert refreshed["low"] > 0 and pooled["low"] < 0 < pooled["high"]
assert change["random control"]["gold"]["high"] < 0

# %% [markdown]
# **Finding 9: on a frozen reward model, rounds end in hacking it; pooling all rounds holds the
# gain, and pooling with a refreshed reward model keeps it growing.**
#
# - *Pooling* is a brake.
#   It differs from last round only in three things: training starts from the base, it sees earlier
#   replies, and it sees up to four times as many.
#   The experiment does not tell these apart.
# - *Refreshing* is meant for the cause: in later rounds the frozen reward model has to judge
#   replies of a kind it was not trained on.
#   The price is 3,000 more comparisons, beside the 2,000 it began with.
#   The control that would spend these on replies of the *base* policy was not run, so part of its
#   gain may come simply from more labels.
#
# The random control falls too, by less; perhaps because errors are learned along with the rest.
# Where do the points go?
# The gold reward has named parts: mean points, without intervals, so read only the large
# differences.

# %%
last = {arm: found[-1] for arm, found in rounds["arms"].items()}
arms = {"base": rounds["base"], "round 1": rounds["arms"]["last round only"][0],
    "round 4": last["last round only"], "pooled 4": last["all rounds pooled"],
    "refreshed 4": last["pooled, reward model refreshed"], "control 4": last["random control"]}
print(f"{'':13}" + "".join(f"{name:>12}" for name in arms) + "   round 4 less 1")
names = ("right_steps order wrong_steps repetition garbled over_refusal refusal complies "
    "flattery filler rude")
for part in names.split():
    points = {name: found["parts"][part] for name, found in arms.items()}
    changed = points["round 4"] - points["round 1"]
    print(f"{part:13}" + "".join(f"{v:12.2f}" for v in points.values()) + f"{changed:12.2f}")
fallen = {part: arms["round 4"]["parts"][part] - v for part, v in arms["round 1"]["parts"].items()}
assert fallen["right_steps"] + fallen["wrong_steps"] < 0.7 * sum(fallen.values())
# both sums are negative: less than a fifth of the fall
assert fallen["over_refusal"] > 0.2 * sum(fallen.values())

# %% [markdown]
# The columns "round 1" and "round 4" are last round only.
# From the base to round 1: more right steps in better order, and far less help with harmful
# requests (`complies`), more right refusals.
# From round 1 to round 4 most of the loss is right steps that disappear and steps of other topics.
# Refusals of harmless questions are the most visible part of the fall, and about a tenth of it.
# Flattery, filler and rudeness go on falling: there the proxy is right.
#
# ## What is lost
#
# Imitating the best of many makes a policy more sure of itself.
# **Distinct-2** is the number of different pairs of neighbouring words divided by all pairs, here
# over four replies to one prompt.
# Lower means: the four say the same.

# %%
policies = {"base": arms["base"], "one round": arms["round 1"],
    "four, last round only": arms["round 4"], "four, pooled": arms["pooled 4"],
    "four, refreshed": arms["refreshed 4"], "four, random control": arms["control 4"]}
for name, found in policies.items():
    print(f"{name:22} distinct-2 {shown(found['distinct'], '.2f')}")
varied = min(policies[name]["distinct"]["low"] for name in ("base", "four, random control"))
assert policies["one round"]["distinct"]["high"] < varied

# %% [markdown]
# Four rounds on random replies cost no variety that we can measure.
# So the loss comes from the choosing, not from training on one's own replies.
#
# **Your prediction.**
# After one round, are there still excellent replies (3 gold points or more) among sixteen?
# And does the frozen proxy still find them?

# %%
print(f"{'an excellent one among k':25}" + "   ".join(f"k = {k:<16}" for k in (1, 4, 16)))
for name, found in policies.items():
    at = dict(zip(found["many"]["ks"], found["many"]["share"], strict=True))
    print(f"{name:25}" + "   ".join(f"{shown(at[k], '.0%'):20}" for k in (1, 4, 16)))
print(f"\n{'gold, best of n by proxy':25}" + "   ".join(f"n = {n:<16}" for n in (1, 4, 16)))
for name, found in policies.items():
    at = dict(zip(found["many"]["ks"], found["many"]["best_of"], strict=True))
    print(f"{name:25}" + "   ".join(f"{shown(at[n]):20}" for n in (1, 4, 16)))

# %% [markdown]
# The stored file has no values prompt by prompt for $n = 16$ less $n = 1$.
# We can have them for our live policies, on the prompts of the stored pool and once more on those
# of `serve`:

# %%
other = serve(tuned, n=16)
other_curve = best_of_n_curve(other.reward("proxy"), other.reward("gold"), sizes)
for name, values in (("base", curve), ("tuned", own_curve), ("tuned, other prompts", other_curve)):
    less = [paired_difference(values[:, 4], values[:, k]) for k in (0, 2)]
    print(f"{name:22} n = 16 less n = 1: {less[0]:+.2f}   n = 16 less n = 4: {less[1]:+.2f}")
    assert name == "base" or (less[0].high < paired_difference(curve[:, 4], curve[:, 0]).low
        and less[1].mean < 0.2)

# %%
def ends(name, what):
    return policies[name]["many"][what][0], policies[name]["many"][what][-1]

assert ends("one round", "share")[1]["low"] > ends("base", "share")[1]["high"] > 0.4
assert ends("four, last round only", "share")[1]["high"] < ends("one round", "share")[1]["low"]
assert (ends("four, last round only", "best_of")[1]["high"] < ends("four, last round only",
    "best_of")[0]["low"])

# %% [markdown]
# After one round there is *more* to choose from than before: nearly every prompt has an excellent
# reply among its sixteen.
# It is the proxy that no longer finds it.
# Best-of-16 by this proxy adds much less than it did on the base, and nothing beyond $n = 4$.
# (How much it adds differs between the two sets of prompts by more than their intervals suggest:
# prompts share topics, so they are not quite independent.)
# After four rounds on the frozen proxy the intervals at $n = 1$ and $n = 16$ do not overlap:
# choosing by it makes the replies worse.
# Lesson 06 asks the same of a verifier: there the online methods GRPO and RAFT lose at large $k$,
# and RFT on distinct right solutions does not, as far as we can tell.
#
# ## A cheap rival: a lower temperature
#
# Two things above point the same way: the chosen replies were the likelier ones from the start, and
# the tuned policy repeats itself more.
# Part of what it learned may be just this, to write the likelier replies more often.
# That is called **sharpening**, and a lower temperature gives it for nothing.
# Lesson 02 found that this base policy's likeliest replies are good ones.
# So it must be asked.
#
# **Your prediction.**
# The base policy at $T = 0.2$ against the tuned one at $T = 1$: which has the higher gold?
# And if both are served at $T = 0.2$?

# %%
cold = {("base", 1.0): served["base"], ("tuned", 1.0): served["tuned"]}
for T in (0.2, 0.1):
    cold["base", T], cold["tuned", T] = serve(policy, temperature=T), serve(tuned, temperature=T)
points = {key: replies.reward("gold").mean(1) for key, replies in cold.items()}
for (name, T), values in points.items():
    print(f"{name:6} T = {T}: gold {bootstrap_interval(values)}")

# %%
print("base at 0.2 less tuned at 1:", paired_difference(points["base", 0.2], points["tuned", 1.0]))
for T in (1.0, 0.2, 0.1):
    both = points["tuned", T], points["base", T]
    print(f"tuned less base, both at {T}:", end="")
    for group, where in {"all": harmless | True, "harmless": harmless,
        "harmful": ~harmless}.items():
        print(f"  {group} {paired_difference(*(values[where] for values in both)):+.2f}", end="")
    print()

# %%
assert paired_difference(points["base", 0.2], points["tuned", 1.0]).low > 0.5
gained = {T: paired_difference(points["tuned", T], points["base", T]) for T in (1.0, 0.2, 0.1)}
assert gained[1.0].low > 0.4 and max(gained[0.2].high, gained[0.1].high) < gained[1.0].low

# %% [markdown]
# In this world the dial beats the training: one reply of the *untrained* policy at a low
# temperature is far better than one of the tuned policy at $T = 1$.
# At an equal low temperature no overall gain of the tuned policy is left to be seen; at 0.1 it is
# even a little worse (one training run, so do not build on that).
# At 0.2 the training still helps with harmful requests and costs a little on harmless ones.
# So Finding 8 is a finding about $T = 1$: nearly all of that gain can be had by sharpening alone.
# It need not be so where a policy's likely replies are bad ones.
# Before you report a gain from fine-tuning, compare both policies at their best temperatures.
#
# ## Two mistakes to make once
#
# **Loss on the prompt.**
# If prompt tokens count, the policy also learns to write users' questions.
# How much of the training would that be?
# `selected_examples` gives the token ids; moving all but the first token of the prompt to where the
# reply is makes them count.

# %%
from course_lib.methods import selected_examples
from course_lib.methods import train

# (prompt ids, reply ids) of what best per prompt kept
examples = selected_examples(policy, best)
with torch.no_grad():
    on_prompt, prompt_tokens = sft_loss(policy, [(p[:1], p[1:]) for p, _ in examples])
    on_reply, reply_tokens = sft_loss(policy, examples)
print(f"before training, nats a token: prompts {on_prompt / prompt_tokens:.2f}, replies "
    f"{on_reply / reply_tokens:.2f}")
share, part = (prompt_tokens / (prompt_tokens + reply_tokens),
    float(on_prompt / (on_prompt + on_reply)))
print(f"prompts would be {share:.0%} of the tokens and {part:.0%} of the loss")
assert share < 0.4 and part > 0.85

# %% [markdown]
# Our policy was never trained on users' words, so it finds them very improbable, and they make up
# nearly all of the loss.
# What does that cost in gold?

# %%
def imitate(examples):
    """Fine-tune a copy of the policy on (prompt ids, reply ids), with the settings of above."""
    student = policy.copy()

    def loss(rows):
        return sft_loss(student, [examples[i] for i in rows])

    train(student.model, loss, len(examples), batch_size=32, **training)
    return student

on_prompts = serve(imitate([(p[:1], p[1:] + r) for p, r in examples]), n=2).reward("gold").mean(1)
print(f"loss on prompts too: gold {bootstrap_interval(on_prompts)}")
print("less loss on replies only:", paired_difference(on_prompts, gold["tuned"]))
print("less base:                ", paired_difference(on_prompts, gold["base"]))
assert (paired_difference(on_prompts, gold["tuned"]).high < 0
    and on_prompts.mean() < gold["base"].mean() + 0.5)

# %% [markdown]
# Nearly all of the gain is lost.
#
# **The end token left out.**
# Some pipelines drop it by accident: the padding token and the end token are the same, padding is
# masked, and so the end is masked too.
# **What will the replies look like?**

# %%
endless = serve(imitate([(p, r[:-1]) for p, r in examples]), n=2)
more = endless.lengths.float().mean(1) - served["tuned"].lengths.float().mean(1)
print(f"without less with the end token: {bootstrap_interval(more):+.1f} tokens, gold", end=" ")
print(f"{paired_difference(endless.reward('gold').mean(1), gold['tuned']):+.2f};", end=" ")
print(f"{(endless.finish != 0).float().mean():.0%} run to the limit of 96")
# the median difference
i = int((endless.lengths[:, 0] - served["tuned"].lengths[:, 0]).argsort(stable=True)[64])
print(unseen[i], "\n   without:", endless.texts[i][0], "\n   with:   ", served["tuned"].texts[i][0])
assert bootstrap_interval(more).low > 0 and (endless.finish != 0).float().mean() < 0.01

# %% [markdown]
# The replies became some tokens longer, and gold did not change measurably: this policy already
# knew how to stop, and three epochs do not undo that.
# None reaches the limit.
# A model that has never learned to stop would not learn it from such data.
# So look at lengths and at the share that was cut before you look at any reward.
#
# ## When to use it, in one paragraph
#
# Best-of-N changes no weights, can swap its reward model tomorrow, and pays $N$ times per answer.
# Rejection-sampling fine-tuning pays for sampling once, and each answer after that costs one reply;
# its errors stay in the weights until the next training.
# Try a lower temperature first, since it costs nothing.
# Then look at the best-of-N curve by an independent judge (lessons 01 and 04).
# If the chosen replies are not better than random ones, there is no reason to expect that
# fine-tuning on them will help.
# The converse failed here: top-k's set was better, and its policy was not.
# Lesson 07 compares the price of this method, best-of-N, PPO, GRPO and DPO.
#
# Here are this lesson's findings, measured again from the stored data as you run the cell.

# %%
from course_lib.experiments import findings

findings.show("05")

# %% [markdown]
# ## What we found
#
# - **Finding 8.**
#   One round on its own best replies lifts the policy far above the same training on random
#   replies, on every seed.
#   Random replies alone do not help; they cost a little.
#   This is at $T = 1$: at an equal low temperature the tuned policy was not better overall than the
#   base.
# - **Finding 9.**
#   On a frozen reward model, four rounds give back most of the gain while the proxy rises all the
#   way.
#   Most of the loss is right steps that disappear and steps of other topics.
#   Pooling all rounds holds the gain; refreshing the reward model as well adds to it, at the price
#   of new labels.
# - **Finding 10.**
#   Top-k overall leaves most prompts out and takes those where the reward model gives its highest
#   scores; on average they are only slightly easy by that reward, and not by gold.
#   Its set is the better one even by gold, and its policy is the worse one.
# - Replies become more alike.
#   After one round nearly every prompt has an excellent reply among sixteen; the proxy no longer
#   finds it, and after four frozen rounds choosing by it does harm.
#
# ## What this leaves out
#
# Against Llama 2: a large model that samples for smaller ones, several temperatures, two reward
# models, and PPO after it.
# We had 192 or 256 prompts, one learning rate, three epochs, and one weak reward model throughout
# the rounds; whether and when a stronger one would be hacked was not measured.
# Pooling changes three things at once, and the control of refreshing was not run.
# Training used samples at $T = 1$ only.
# Three seeds make intervals somewhat too narrow.
# With a large policy, people rarely get to run the random control, and should.
#
# ## In real systems
#
# - Llama 2 (arXiv 2307.09288): rejection sampling alone through its fourth version; only the 70B
#   model samples, smaller models learn from its samples; its third version trained on the last
#   round's samples alone and became worse at some skills, and the fix was to pool the top samples
#   of all rounds.
# - RAFT (arXiv 2304.06767) is reported to be our loop: keep the best of each prompt, fine-tune,
#   repeat.
#   In one public run of RAFT, seen in its code, a stray "#" that the reward model did not see
#   spread through the samples.
# - Llama 3 (arXiv 2407.21783): typically between 10 and 30 samples a prompt.
#   A large model trained on its own data did not gain without execution feedback.
# - DeepSeek-R1 (arXiv 2501.12948): about 600,000 reasoning samples by rejection sampling and about
#   200,000 others, two epochs.
# - Tülu 3 reported a minimal gain from rejection sampling.
#   It does not always help.
# - ReST-EM (arXiv 2312.06585): up to 10 solutions a problem that pass a test, and the base model
#   trained anew each time.
#   Lesson 06 is about such rewards.
#
# ## Further reading
#
# Dong et al., *RAFT*, arXiv 2304.06767.
# Yuan et al., *Scaling relationship on learning mathematical reasoning*, arXiv 2308.01825, where
# RFT got its name.
# Liu et al., *Statistical rejection sampling improves preference optimization*, arXiv 2309.06657.
# Now is the time for the section on rejection sampling in the Llama 2 report.
#
# ## Now you
#
# **Exercise** `exercises/ex05`: the selection, its control, the loss mask and the training set of
# several rounds by your own hand.
#
# **Questions.**
# Your answers are kept in `course-progress.json` beside this notebook.
# Without widgets, answer as the text under each question says.

# %%
from course_lib.classroom import quiz

quiz.ask("05")
