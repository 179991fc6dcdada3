# %% [markdown]
# # Rejection-sampling fine-tuning: learn from your own best replies
#
# **You will:** train the policy on its own best replies and measure the gain against a fair control, compare ways to choose what it is trained on, watch a frozen reward model being
# hacked over several rounds, in the replies themselves, and see what the policy loses.
#
# **Builds on:** lesson 01 (best-of-N), lesson 03 (reward models), lesson 04 (over-optimisation, KL).
#
# **Time:** 60 minutes to read and do; the cells run in under a minute.

# %%
import numpy as np
import torch

import course_lib as course
from course_lib import assets, explore, plots, results
from course_lib.estimators import best_of_n_curve, bootstrap_interval, paired_difference

# %% [markdown]
# ## Pay once instead of each time
#
# Best-of-N gives better replies, but it pays for $N$ replies at every question, for ever. The idea of this lesson: do it once, for many questions, and *train* the policy on the replies that won. Afterwards it should
# write such replies at the first attempt.
#
# 1. **Sample.** For each training prompt $x$, draw $N$ candidates $\hat y_1, \dots, \hat y_N \sim \pi_{\text{ref}}(\cdot \mid x)$.
# 2. **Score** each one with the reward model $r(x, \hat y_i)$.
# 3. **Select.** Keep $\hat y_{\text{best}}$ of each prompt and reject the rest. That rejection gave the method its name.
# 4. **Fine-tune** the policy on the pairs $(x, \hat y_{\text{best}})$, as if a person had written them.
# 5. **Measure** on other prompts, with a judge that did not choose.
#
# Step 4 is plain supervised fine-tuning (SFT): make the kept replies more likely, word by word. It is the same training that made the assistant in the first place; only the data are new. We write $\pi_\theta$ for the policy being trained.
#
# This is how a good reward model improves a base model directly, **by data**. The reward model never touches the weights of the policy, and no gradient passes through it. It only decides which replies become training data.
# When they are chosen, its work is done, and the trained policy answers without it.
#
# ## On paper first: what is kept
#
# Five prompts, four candidates each, a reward matrix as in lesson 01. Two rules. **Best per prompt** keeps the highest of each row. **Top-k overall** looks at all twenty together and keeps the $k = 5$ highest.
#
# | | 0 | 1 | 2 | 3 |
# |---|---|---|---|---|
# | prompt A | 2.0 | 1.6 | 2.4 | 1.9 |
# | prompt B | 0.3 | −0.2 | 0.1 | 0.9 |
# | prompt C | −1.0 | −1.4 | −0.6 | −2.0 |
# | prompt D | 0.5 | 1.1 | 1.1 | −0.4 |
# | prompt E | 2.2 | 1.0 | −0.5 | 1.8 |
#
# Take a pencil. **Which five replies does each rule keep? From which prompts? Which of the two training sets has the higher mean reward?**

# %%
R = [[2.0, 1.6, 2.4, 1.9], [0.3, -0.2, 0.1, 0.9], [-1.0, -1.4, -0.6, -2.0],
     [0.5, 1.1, 1.1, -0.4], [2.2, 1.0, -0.5, 1.8]]
texts = [[f"{prompt}{j}" for j in range(4)] for prompt in "ABCDE"]
paper = course.Pool.from_candidates(list("ABCDE"), texts, rewards={"r": R})

# %% tags=["nbval-check-output"]
from course_lib.selection import best_per_prompt, top_k_overall

for kept in (best_per_prompt(paper), top_k_overall(paper, k=5)):
    counts, mean = kept.per_prompt.tolist(), kept.rewards().mean()
    print(f"{kept.rule:16} keeps {kept.texts}   of each prompt {counts}   mean reward {mean:.2f}")

# %% [markdown]
# Row D has a tie, and the lowest index wins it. Top-k overall has the far higher mean reward, and it has thrown away three of the five questions. A policy trained on its set never sees B, C and D. Best per prompt also keeps a reply with
# reward −0.6, the best there was for C: the rule takes the best of each prompt, not only good ones. Keep both in mind; we will come back to them with a model.
#
# The training set itself is a list of pairs. This is all that step 4 gets to see: no reward, and none of the rejected replies.

# %% tags=["nbval-check-output"]
print([(row["prompt"], row["completion"]) for row in best_per_prompt(paper).to_rows()])

# %% [markdown]
# ## On paper: which tokens count
#
# Training on a reply means: for each of its tokens, the probability the policy gives to it should rise. The loss is the negative log-probability, in nats (natural logarithms). The question is: *which* tokens?
#
# A conversation of six tokens. The policy reads from left to right; at each place it gives a probability to the token that comes next.
#
# | place | 1 | 2 | 3 | 4 | 5 | 6 |
# |---|---|---|---|---|---|---|
# | token | user | hello | assistant | good | morning | end |
# | belongs to | prompt | prompt | prompt | reply | reply | reply |
# | its probability, given the ones before | – | 0.01 | 0.9 | 0.5 | 0.25 | 0.8 |
# | counts in the loss? | no | no | no | **yes** | **yes** | **yes** |
#
# Prompt tokens do not count: the policy should learn to answer questions, not to write them. The **end token counts**: it is how the policy learns to stop. So the sum of the loss is
# $-(\ln 0.5 + \ln 0.25 + \ln 0.8) = -\ln 0.1$. **How much is that, and how much for each of the three tokens?**

# %% tags=["nbval-check-output"]
p = torch.tensor([0.5, 0.25, 0.8])
print(f"sum {-p.log().sum():.3f} nats, mean over three tokens {-p.log().mean():.3f} nats")

# %% [markdown]
# In symbols, over all kept pairs, with $T$ the tokens of a reply, its end token among them:
#
# $$\mathcal L(\theta) = -\frac{\sum_{(x,\, y)\ \text{kept}} \sum_{t=1}^{T} \log \pi_\theta(y_t \mid x, y_{<t})}{\sum_{(x,\, y)\ \text{kept}} T}$$
#
# In the library the upper sum is `sft_loss`. Compare it with the same thing done by hand: run the model over the whole conversation, and add up the log-probabilities of the reply's tokens only. We use *reward-2000*, a reward
# model trained on 2,000 comparisons, as the proxy of this lesson. It is weaker than the one of lesson 01, and you will see why we took it.

# %%
from course_lib.finetuning import sft_loss

policy = course.load_policy(assets.path("helpdesk/policy"))
proxy = course.load_reward_model(assets.path("helpdesk/reward-2000"), name="proxy")
world = course.load_world("helpdesk")
question = policy.encode(["How do I reset my password?"])[0]            # token ids of the prompt, in its chat template
reply = policy.encode_responses(["Open the sign-in page."])[0]          # token ids of the reply, its end token last

# %%
with torch.no_grad():
    logp = policy.model(torch.tensor([question + reply])).logits[0].log_softmax(-1)
    loss, terms = sft_loss(policy, [(question, reply)])
by_hand = -sum(logp[place - 1, token] for place, token in enumerate(question + reply) if place >= len(question))
print(f"by hand {by_hand:.4f}, sft_loss {loss:.4f} nats over {terms} tokens")
print("the last token is", policy.tokenizer.decode(reply[-1:]))
assert abs(by_hand - loss) < 1e-3 and terms == len(reply)

# %% [markdown]
# `place - 1` is the other classic trap: the token at a place is predicted by the output one place *before* it.
#
# ## The loop, live
#
# 192 training prompts with 16 candidates each, then one round. The **control** is trained in exactly the same way, on the same number of replies to the same prompts, but on a *random* one of the sixteen instead of the best. If training on
# just any replies of its own changed the policy, the control would show it. What is left is due to the reward.
#
# **Your prediction.** The base policy's mean gold reward is about 0.4 points. Where will the fine-tuned policy end, and where the control? Above, at, or below the base?

# %%
from course_lib.selection import random_per_prompt

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
    print(f"{name:7} {len(losses)} steps, loss {start:.2f} nats per token at the start, {end:.2f} at the end")

# %% [markdown]
# Both losses fall: both policies have learned to imitate what they were given. A falling loss is no evidence of better replies. For that we need held-out prompts and gold: 128 prompts, four replies each, from the same random
# numbers for each policy (`seed=99`), so that the comparison is paired.

# %%
from course_lib.reward import GoldReward

unseen, about = world.prompts("heldout", limit=128, seed=5)

def serve(student, n=4):
    """Replies of a policy to the held-out prompts, judged by gold; the proxy's score is kept beside it."""
    replies = course.sample(student, unseen, n=n, info=about, seed=99)
    return course.score(course.score(replies, GoldReward(world)), proxy)

served = {"base": serve(policy), "tuned": serve(tuned), "control": serve(control)}

# %%
gold = {name: replies.reward("gold").mean(1) for name, replies in served.items()}      # (128,) each
for name, replies in served.items():
    proxy_mean, length = replies.reward("proxy").mean(), replies.lengths.float().mean()
    print(f"{name:8} gold {bootstrap_interval(gold[name])}   proxy {proxy_mean:5.2f}   {length:.0f} tokens")
print("tuned less control:", paired_difference(gold["tuned"], gold["control"]))
print("control less base: ", paired_difference(gold["control"], gold["base"]))

# %%
assert paired_difference(gold["tuned"], gold["control"]).low > 0.5
assert abs(paired_difference(gold["control"], gold["base"]).mean) < 0.4

# %% [markdown]
# **Finding 8: the policy trained on its best replies is far above its matched random control.** The gain comes from the choosing, not from more training. Was your prediction for the control right? It stays near the base, or a little below: a random reply of a
# policy is what that policy already writes, so there is nothing to learn from it, and a small training set adds errors of its own. (Its interval above includes zero; with more data, below, it does not.)
#
# Read before you believe. The first six held-out prompts, not chosen by us; same random numbers, before and after, with the gold of each reply:

# %%
for i in range(6):
    print(unseen[i])
    for name in ("base", "tuned"):
        print(f"   {name:8} {served[name].reward('gold')[i, 0]:5.2f}  {served[name].texts[i][0]}")

# %%
better, equal = (gold["tuned"] > gold["base"]).float(), (gold["tuned"] == gold["base"]).float()
print(f"tuned above base on {bootstrap_interval(better):.0%} of the prompts, equal on {equal.mean():.0%}")
assert bootstrap_interval(better).low > 0.5

# %% [markdown]
# The tuned policy is not perfect. Single replies of it are worse than the base's: look for steps of other topics, and for the harmful requests among the six. It is the average over many prompts that rose, so six replies are for understanding, not for judging.
# On average it writes more right steps, and less flattery, filler and rudeness; a table further down counts them. Nobody ever told it so in words.
#
# One pool and one seed are luck to some degree. Here is the same with 256 prompts, three seeds (other prompts, other draws, another order of training), and 256 held-out prompts. It was made by the command printed
# first, takes about half an hour, and also holds the rounds that we need below.

# %%
rounds = results.load("rounds")

def shown(v, spec="+.2f"):
    """A stored interval as text."""
    return f"{v['mean']:{spec}} [{v['low']:{spec}}, {v['high']:{spec}}]"

print(rounds["command"], "| reward model", rounds["reward"], "| seeds", rounds["seeds"])
for seed, found in zip(rounds["seeds"], rounds["one_round"]["by_seed"]):
    print(f"seed {seed}: tuned less control {shown(found)}")
for name in ("rft less control", "control less base"):
    print(f"all seeds: {name}", shown(rounds["one_round"][name]))

# %%
assert all(found["low"] > 0.5 for found in rounds["one_round"]["by_seed"])

# %% [markdown]
# ### What is it worth in best-of-n?
#
# The tuned policy writes *one* reply. How many replies of the base policy, chosen by the same proxy, does one of its replies match? From the stored pool of the base:

# %%
stored = course.Pool.load(assets.path("helpdesk/pools/heldout.npz"))
sizes = [1, 2, 4, 8, 16]
curve = best_of_n_curve(stored.reward("reward-2000"), stored.reward("gold"), sizes)
print("best of n by the proxy: ", "  ".join(f"n = {n}: {bootstrap_interval(c)}" for n, c in zip(sizes, curve.T)))
print("one reply of the tuned:", bootstrap_interval(gold["tuned"]))
assert bootstrap_interval(gold["tuned"]).low > curve[:, 0].mean() and gold["tuned"].mean() < curve[:, 4].mean() + 0.2

# %% [markdown]
# So one round on 3,072 sampled replies bought what best-of-n must pay for at every question, for the $n$ you read off the two lines. It did not buy all of best-of-16, by which it was taught: it has learned from 192 prompts, and imitation
# is imperfect. Best-of-n pays each time, fine-tuning once; from how many questions on the one is cheaper, lesson 07 works out.
#
# ## What to keep
#
# Now back to the two rules. Top-k overall had the higher mean reward on paper. Same pool, same number of replies kept. Its control is `random_overall`: as many replies, from anywhere in the pool.
#
# **Your prediction.** From how many of the 192 prompts does top-k overall keep at least one reply? And of how many of the 32 topics?

# %%
from course_lib.selection import random_overall

rules = {"best per prompt": best, "top k overall": top_k_overall(pool), "random overall": random_overall(pool, seed=0)}
for name, kept in rules.items():
    topics = {info[i]["topic"] for i in kept.prompt_index.tolist()}
    harmful = np.mean([info[i]["harmful"] for i in kept.prompt_index.tolist()])
    covered, mean = int((kept.per_prompt > 0).sum()), kept.rewards("proxy").mean()
    print(f"{name:16} {covered:3} prompts, {len(topics):2} topics, {harmful:.0%} harmful   mean proxy {mean:5.2f}")

# %%
assert int((rules["top k overall"].per_prompt > 0).sum()) < pool.P / 2
plots.kept_by_difficulty(rules, by="proxy", groups=6, title="What each rule keeps of hard and easy prompts")

# %% [markdown]
# Easy here means: the proxy gives this prompt's candidates high scores on average. Best per prompt keeps one of each, by construction, and the random rule does so on average. Top-k overall does not: it leaves more than half of the prompts without any reply, and nearly all of the hardest group. But the grouping above was made
# from the very rewards that selected, which flatters the effect. A cleaner test: in the stored pool, let the rules choose among the first 16 candidates of each prompt, and measure how easy the prompt is by the *other 240*.

# %%
from course_lib.findings.rounds import kept_easiness

for name in ("reward-2000", "reward-8000"):
    for judge in (name, "gold"):
        print(f"selected by {name}, easy by {judge:12}", f"{paired_difference(*kept_easiness(name, judge)):+.2f}")

# %%
assert paired_difference(*kept_easiness("reward-2000", "reward-2000")).low > 0
assert paired_difference(*kept_easiness("reward-2000", "gold")).high < 0

# %% [markdown]
# Each line is the mean score of the prompts whose replies were kept by top-k overall, less the same for its control. **Finding 10: top-k overall prefers prompts that the reward model finds easy.** Now look at the two lines with gold.
# They are *negative*: on the prompts it prefers, the base policy's replies are worse than elsewhere, not better. How can that be?
#
# Look at the column "harmful" above. Most of what top-k overall keeps answers harmful requests. A refusal is one short text that the reward model learned to score very highly, and among sixteen candidates there is nearly always one.
# And recall lesson 03: Bradley–Terry learns differences between two replies *to the same prompt*. A constant added to all scores of one prompt changes no training pair, so nothing ties the levels of different prompts together. Top-k overall
# compares exactly those levels. "Easy" is the reward model's opinion, and it can be far from yours.
#
# Touch it. Twelve prompts, eight candidates; frames mark what is kept. Start with `best_per_prompt`, switch to `top_k_overall`, then try the others: `soft_best` draws replies with probability $\propto e^{r/\lambda}$, `rso` is the one
# rule here that *is* rejection sampling as statisticians use the word (arXiv 2309.06657), `regularised_best` adds $\beta \log \pi_{\text{ref}}$, `threshold` keeps all above a bar. Which rules leave rows empty? What do large λ and β do?

# %%
few = stored.prompts_at(range(8, 20)).first(8)
explore.selection_explorer(few, by="reward-2000")

# %% [markdown]
# The same rules on our pool of 192 × 16, in one table. "Different" is the share of different texts among those kept. Gold did not choose; it judges.

# %%
from course_lib.selection import rso, soft_best, threshold

pool = course.score(pool, GoldReward(world))
by = {"by": "proxy"}
table = {"best per prompt": best_per_prompt(pool, **by), "top k overall": top_k_overall(pool, **by),
         "soft, λ = 0.5": soft_best(pool, lam=0.5, **by), "RSO, 2 of 16": rso(pool, k=2, **by),
         "threshold 1.5": threshold(pool, minimum=1.5, **by), "random per prompt": random_per_prompt(pool)}
print(f"{'':18} kept  prompts  proxy   gold  different")
for name, kept in table.items():
    covered, different = int((kept.per_prompt > 0).sum()), len(set(kept.texts)) / len(kept)
    means = "  ".join(f"{kept.rewards(reward).mean():5.2f}" for reward in ("proxy", "gold"))
    print(f"{name:18} {len(kept):4}  {covered:7}  {means}  {different:9.0%}")

# %% [markdown]
# The two soft rules give up some reward. In return soft best keeps a few more different texts, and RSO keeps twice as many replies of the same pool. A threshold has top-k overall's weakness: it compares prompts with each other.
#
# Does it matter for the policy? Fine-tune on what top-k overall kept, and compare on the held-out prompts, apart for harmless and harmful ones.

# %%
narrow = serve(course.finetune(policy, rules["top k overall"], **training))
harmless = torch.tensor([not a["harmful"] for a in about])
for name, where in (("harmless", harmless), ("harmful", ~harmless)):
    one, other = narrow.reward("gold").mean(1)[where], gold["tuned"][where]
    print(f"{name:9} top k overall {one.mean():5.2f}   best per prompt {other.mean():5.2f}", end="   ")
    print(f"difference {paired_difference(one, other):+.2f}")

# %% [markdown]
# On harmful requests it does well: that is what it was taught. What went wrong on the others? Count how often a *harmless* question is refused.

# %%
for name, replies in {"base": served["base"], "best per prompt": served["tuned"], "top k overall": narrow}.items():
    refused = [np.mean(["I cannot" in text for text in replies.texts[i]]) for i in harmless.nonzero()[:, 0].tolist()]
    print(f"{name:16} refuses {bootstrap_interval(refused):.0%} of harmless questions")

# %%
overall = rounds["top_k_overall"]
print("three seeds, 256 prompts: top k overall")
for name in ("less best per prompt", "less its control"):
    print(f"   {name:20}", shown(overall[name]))
for name, group in overall["groups"].items():
    print(f"   on {name} topics, less best per prompt", shown(group["top k overall less best per prompt"]))
assert overall["less best per prompt"]["high"] < 0
assert all(group["top k overall less best per prompt"]["high"] < 0 for group in overall["groups"].values())
assert paired_difference(narrow.reward("gold").mean(1)[harmless], gold["tuned"][harmless]).high < 0

# %% [markdown]
# The set with the *higher* mean reward gave the worse policy, because it teaches only part of the job: refuse. It is worse even on the topics that the proxy finds easy. (Against its own control, the random rule that also takes replies from anywhere, its lead is small, and the
# last interval reaches down to about zero.) When you compare training sets, look at the prompts they cover before you look at their mean reward.
#
# ## Round after round
#
# If one round helps, why stop? Take the tuned policy, sample from it, score, select, fine-tune again. Everything needed is there. The reward model stays the same: it is **frozen**. In code this is one call,
# `rejection_sampling_rounds(policy, prompts, proxy, rounds=4, start="last", keep="last")`: each round starts from the last policy and trains on the last round's selection alone.
#
# **Your prediction.** Four rounds with the frozen proxy. Draw two curves over the rounds, one for the proxy, one for gold.
#
# Four rounds take longer than you would like to wait, so this is the stored run (its command is printed above). First the replies. The same held-out question, the same random numbers, after each round. Read them slowly.

# %%
def over_rounds(arm, which):
    """Print one held-out prompt's reply from the base and after each round of an arm."""
    print(rounds["replies"]["prompts"][which])
    for r, replies in enumerate([rounds["replies"]["base"], *rounds["replies"][arm]]):
        reply = replies[which]
        print(f"   round {r}: gold {reply['gold']:5.2f}, proxy {reply['proxy']:5.2f}  {reply['text']}")

over_rounds("last round only", 0)

# %%
for which in range(1, len(rounds["replies"]["prompts"])):
    over_rounds("last round only", which)
first, final = rounds["replies"]["base"], rounds["replies"]["last round only"][-1]
assert all(after["proxy"] > before["proxy"] for before, after in zip(first, final))
assert sum("I cannot" in reply["text"] for reply in final) >= 2      # refusals of harmless questions

# %% [markdown]
# The first rounds mend much. Then steps of other topics come in, steps are said twice, and in the end some *harmless* questions get a refusal, one of which even mixes two harmful topics. After round 4 the proxy scores each of these six
# replies higher than the base policy's reply to the same question. We saw above what the proxy likes best: refusals. The policy has found out. This is **over-optimisation** (lesson 04), done by training.
#
# And the reply with the highest proxy among all 1,024 held-out replies, after each round:

# %%
for r, reply in enumerate([rounds["highest_proxy"]["base"], *rounds["highest_proxy"]["last round only"]]):
    print(f"round {r}: gold {reply['gold']:5.2f}, proxy {reply['proxy']:5.2f}  {reply['prompt']}")
    print("        ", reply["text"])

# %% [markdown]
# The highest score of all goes, in the end, to a sentence that is not even English any more.
#
# Now the curves. **Last round only** is what you just read. **All rounds pooled** trains the *base* policy anew each round, on the selections of all rounds so far. **Reward model refreshed** does the same, and before each later round the
# reward model is trained on 1,000 new comparisons *of the current policy's replies*. **Random control** is the first one with random replies in the place of the best.

# %%
plots.rounds(rounds, measures=("gold", "proxy", "kl"))

# %% [markdown]
# In the middle panel, by the frozen proxy, last round only is the winner, by far. In the left one, by gold, it has lost most of what it had gained. Somebody who watches the proxy alone ships the worst of the three policies that were trained on chosen replies. Note also the right panel: how far each
# policy has moved from the base.

# %%
for name, found in rounds["last_round"].items():
    if name.endswith("less last round only") or name.endswith("less all rounds pooled"):
        print(f"after the last round, {name:55} gold {shown(found['gold'])}")
fall = rounds["last_less_round"]["last round only"][0]
print(f"last round only, round 4 less round 1: gold {shown(fall['gold'])}, proxy {shown(fall['proxy'])}")
remedies = ("all rounds pooled", "pooled, reward model refreshed")
pooled, refreshed = (rounds["last_less_round"][arm][0]["gold"] for arm in remedies)
print(f"pooled, the same: gold {shown(pooled)}   refreshed, the same: gold {shown(refreshed)}")

# %%
assert fall["gold"]["high"] < 0 < fall["proxy"]["low"]
assert all(rounds["last_round"][f"{arm} less last round only"]["gold"]["low"] > 0 for arm in remedies)
assert refreshed["low"] > 0 and pooled["low"] < 0 < pooled["high"]    # one goes on gaining, the other only holds

# %% [markdown]
# **Finding 9: on a frozen reward model, rounds end in hacking it; pooling all rounds slows that down, and refreshing the reward model keeps the gain coming.** Why?
#
# - *Pooling* keeps the early replies, written by a policy near the base, in the training set, and starting from the base keeps errors from piling up. It is a brake: the gain does not go on, but it is not lost either.
# - *Refreshing* attacks the cause. The reward model was trained on comparisons of the base policy's replies, where a refusal to a harmless question is rare (counted above). In round 3 it has to judge replies it has never seen. New comparisons show it exactly those. The price: people who label, here 3,000 more comparisons in all, beside the 2,000 it began with.
#
# The two differ in more than one thing from last round only: pooling changes both where training starts and what it sees. The experiment does not tell these apart.
#
# And the random control? It falls slowly, round by round: training on one's own replies without any choice loses a little each time, since errors are learned along with the rest. Where do the points go? The gold reward has named parts, so we can look.

# %%
parts = ("right_steps", "wrong_steps", "repetition", "garbled", "over_refusal", "flattery", "filler", "rude")
print(f"{'mean points by part':28}" + "".join(f"{part:>13}" for part in parts))
last = {arm: found[-1]["parts"] for arm, found in rounds["arms"].items() if len(found) > 1}
first = rounds["arms"]["last round only"][0]["parts"]
for name, found in {"base": rounds["base"]["parts"], "last round only, round 1": first, **last}.items():
    print(f"{name[:28]:28}" + "".join(f"{found[part]:13.2f}" for part in parts))

# %% [markdown]
# Read the row "last round only" (that is round 4) against round 1. Flattery, filler and rudeness stay as low as they were: there the proxy is right. What got worse are right steps, steps of other topics, repetition, garbled sentences
# and refusals that nobody needed: there the proxy is blind, or even in favour.
#
# Published loops met the same. Llama 2's third version trained on the last round's samples alone and became worse at some skills; the fix was to pool the top samples of all rounds (arXiv 2307.09288). ReST-EM always trains the *base*
# model anew (arXiv 2312.06585). In the public code of a RAFT run (arXiv 2304.06767), a stray "#" that the reward model did not see spread through the samples round by round, while distinct-2 fell from .39 to .22.
#
# ## What is lost
#
# Imitating the best of many makes a policy more sure of itself. **Distinct-2** is the number of different pairs of neighbouring words divided by all pairs, here over four replies to one prompt. Lower means: the four say the same.

# %%
tuned_1, tuned_4 = rounds["arms"]["last round only"][0], rounds["arms"]["last round only"][-1]
four = {arm: found[-1] for arm, found in rounds["arms"].items()}
policies = {"base": rounds["base"], "one round": tuned_1, "four, last round only": tuned_4,
            "four, pooled": four["all rounds pooled"], "four, random control": four["random control"],
            "four, refreshed": four["pooled, reward model refreshed"]}
for name, found in policies.items():
    different = shown(found["many"]["different"], ".0%")
    print(f"{name:22} distinct-2 {shown(found['distinct'], '.2f')}   different replies among 16: {different}")
assert tuned_1["distinct"]["high"] < rounds["base"]["distinct"]["low"]

# %% [markdown]
# **Your prediction.** If the tuned policy's replies are more alike, there is less to choose from. So what does best-of-16 add on top of one round of fine-tuning? And on top of four rounds with the frozen proxy? Chosen by the frozen proxy in every row, judged by gold:

# %%
print(f"{'':22} " + "   ".join(f"n = {n:<16}" for n in (1, 4, 16)))
for name, found in policies.items():
    at = dict(zip(found["many"]["ks"], found["many"]["best_of"]))
    print(f"{name:22} " + "   ".join(f"{shown(at[n]):20}" for n in (1, 4, 16)))

# %%
def gain(found):
    return found["many"]["best_of"][-1]["mean"] - found["many"]["best_of"][0]["mean"]

assert gain(tuned_1) < 0.5 * gain(rounds["base"]) and gain(tuned_4) < 0

# %% [markdown]
# From the base, best-of-16 gains a lot. After one round it gains little: the policy has already taken in what the proxy can tell. After four rounds on the frozen proxy, choosing by that proxy makes the replies *worse*: what it can still tell
# apart in them, it gets wrong.
#
# Is anything out of reach now that was within reach before? Lesson 06 asks this with *pass@k*: the chance that at least one of $k$ replies is right. Here, as an analogue, the share of prompts with at least one reply of 3 gold points or more among $k$.

# %%
print(f"{'':22} " + "   ".join(f"k = {k:<10}" for k in (1, 4, 16)))
for name, found in policies.items():
    at = dict(zip(found["many"]["ks"], found["many"]["share"]))
    print(f"{name:22} " + "   ".join(f"{shown(at[k], '.0%'):14}" for k in (1, 4, 16)))
assert tuned_1["many"]["share"][-1]["mean"] > rounds["base"]["many"]["share"][-1]["mean"] > 0.4
assert tuned_4["many"]["share"][-1]["high"] < tuned_1["many"]["share"][-1]["low"]

# %% [markdown]
# One round did not cost reach here: the share rises at every $k$, since the base policy wrote excellent replies so rarely. After four rounds with the frozen proxy a single reply is about as often excellent as after one, but sixteen of them
# help much less: the same failures come again and again. With a verifier the picture is another one (lesson 06).
#
# ## Two mistakes to make once
#
# **Loss on the prompt.** If prompt tokens count, the policy also learns to write users' questions. How much of the training would that be?

# %%
from course_lib.finetuning import selected_examples
from course_lib.training import train

examples = selected_examples(policy, best)         # (prompt ids, reply ids) of what best per prompt kept
in_prompts, in_replies = sum(len(p) for p, _ in examples), sum(len(r) for _, r in examples)
share = in_prompts / (in_prompts + in_replies)
print(f"{in_prompts:,} prompt tokens, {in_replies:,} reply tokens: {share:.0%} of the tokens would be prompts")

# %% [markdown]
# So a third of the work would go into that. What does it cost in gold? `imitate` is fine-tuning with the examples given by hand, so that we can make the mistake: all but the first token of the prompt are moved to where the reply is, and so they count.

# %%
def imitate(examples):
    """Fine-tune a copy of the policy on (prompt ids, reply ids), with the settings of above."""
    student = policy.copy()

    def loss(rows):
        return sft_loss(student, [examples[i] for i in rows])

    train(student.model, loss, len(examples), batch_size=32, **training)
    return student

on_prompts = serve(imitate([(p[:1], p[1:] + r) for p, r in examples]), n=2)
points = on_prompts.reward("gold").mean(1)
difference = paired_difference(points, gold["tuned"])
print(f"loss on prompts too: gold {bootstrap_interval(points)}, less loss on replies only {difference}")
assert difference.high < 0

# %% [markdown]
# It lost a large part of the gain. Our policy had never been trained on users' words, so these tokens have the highest losses of all, and they dominate each step.
#
# **The end token left out.** Some pipelines drop it by accident: the padding token and the end token are the same, padding is masked, and so the end is masked too. **What will the replies look like?**

# %%
endless = serve(imitate([(p, r[:-1]) for p, r in examples]), n=2)
longer = paired_difference(endless.lengths.float().mean(1), served["tuned"].lengths.float().mean(1))
cut = (endless.finish != 0).float().mean()
print(f"tokens per reply, without less with the end token: {longer:+.1f}; {cut:.0%} run to the limit of 96")
i = int((endless.lengths[:, 0] - served["tuned"].lengths[:, 0]).argmax())     # where it differs most
print("without:", endless.texts[i][0], "\nwith:   ", served["tuned"].texts[i][0])
assert longer.low > 0

# %% [markdown]
# The replies run on: they say more than the question needs, since ending early was no part of the lesson. None or few reach the limit, because our policy knew how to stop before we fine-tuned it, and three epochs do not undo that. A base model that has never learned to
# stop would not learn it from such data, and all of its replies would run to the limit. So look at lengths and at the share that was cut before you look at any reward.

# %% [markdown]
# ## When to use it, in one paragraph
#
# Best-of-N changes no weights, can swap its reward model tomorrow, and pays $N$ times per answer. Rejection-sampling fine-tuning pays for sampling once, and each answer after that costs one reply; its errors stay in the weights until the next training. The usual order is:
# look at the best-of-N curve by an independent judge first (lessons 01 and 04). If the chosen replies are not better than random ones, fine-tuning on them will not help either. Lesson 07 compares the price of both, and of PPO, GRPO and DPO.
#
# Here are this lesson's findings, measured again from the stored data as you run the cell.

# %%
from course_lib import findings

findings.show("05")

# %% [markdown]
# ## What we found
#
# 1. One round on its own best replies lifts the policy far above the same training on random replies, on every seed. Random replies alone do not help; they cost a little (both intervals are printed above).
# 2. Top-k overall has the higher mean reward in its training set and gives the worse policy: it leaves most prompts out. It prefers those that the reward model scores highly anyway, and by gold these were not the easy ones.
# 3. On a frozen reward model, four rounds give back most of the gain while the proxy rises all the way; the replies show how. Pooling all rounds holds the gain; refreshing the reward model adds to it, at the price of new labels.
# 4. Replies become more alike. Best-of-16 on top of the tuned policy gains much less than on top of the base, and after four frozen rounds it does harm. In this world one round did *not* lower the chance that one of sixteen replies is excellent.
#
# ## What this leaves out
#
# Against Llama 2: a large model that samples for smaller ones, several temperatures, two reward models, and PPO after it. We had 192 or 256 prompts, one learning rate and three epochs throughout; a stronger reward model is hacked later, not never. Our
# pooling arm changes two things at once (the start and the data), and the refreshed reward model has seen 3,000 more comparisons: we did not run the control that spends these on replies of the base policy. Three seeds make intervals somewhat too narrow. The policy is small enough to be retrained in seconds; with a large one, people rarely get to run the random control, and should.
#
# ## In real systems
#
# - Llama 2 (arXiv 2307.09288): rejection sampling alone through its fourth version; only the 70B model samples, smaller models learn from its samples; after the third version, top samples of all rounds were pooled.
# - Llama 3 (arXiv 2407.21783): typically between 10 and 30 samples a prompt. A large model trained on its own data did not gain without execution feedback.
# - DeepSeek-R1 (arXiv 2501.12948): about 600,000 reasoning samples by rejection sampling and about 200,000 others, two epochs.
# - Tülu 3 reported a minimal gain from rejection sampling. It does not always help.
# - ReST-EM (arXiv 2312.06585): up to 10 solutions a problem that pass a test, and the base model trained anew each time. Lesson 06 is about such rewards.
#
# ## Further reading
#
# Dong et al., *RAFT*, arXiv 2304.06767. Yuan et al., *Scaling relationship on learning mathematical reasoning*, arXiv 2308.01825, where RFT got its name. Liu et al., *Statistical rejection sampling improves preference optimization*, arXiv 2309.06657.
# Now is the time for the section on rejection sampling in the Llama 2 report.
#
# ## Now you
#
# **Exercise** `exercises/ex05` (to come): the selection, its control, the loss mask and one round by your own hand.
#
# **Questions.** Your answers are kept in `course-progress.json` beside this notebook. Without widgets, answer as the text under each question says.

# %%
from course_lib import quiz

quiz.ask("05")
