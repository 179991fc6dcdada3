"""PPO against numbers worked by hand and a bandit with a known optimum; GRPO and its kin; DPO.

The shared loop.
"""

import math
import sys

import numpy as np
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

from course_lib.base import CourseError
from course_lib.methods import (
    ADVANTAGES,
    METHODS,
    advantages,
    collect,
    dpo,
    dpo_loss,
    gae,
    grpo,
    grpo_loss,
    kept_groups,
    labelled_pairs,
    minibatches,
    new_critic,
    now,
    padded,
    pairs_from,
    policy_loss,
    ppo,
    sft_loss,
    token_rewards,
    value_loss,
    values_before,
    whiten,
)
from course_lib.methods import optimiser as training
from course_lib.methods.optimiser import BY_NAME
from course_lib.models import (
    FunctionReward,
    Policy,
    load_policy,
    sample,
    score,
    sequence_logprobs,
    tiny_policy,
)
from course_lib.worlds import word_tokenizer

PROMPTS = ["How do I reset my password?", "Hi.", "What is two plus two?", "Tell me about the sea"]
LENGTH_REWARD = FunctionReward(lambda prompt, text, info: float(len(text) % 7), "length")


@pytest.fixture(scope="module")
def tiny():
    return tiny_policy(PROMPTS * 3, "qwen3", width=32, vocabulary=300, seed=1)


@pytest.fixture(scope="module")
def batch(tiny):
    return collect(
        tiny, tiny, PROMPTS, [{}] * 4, LENGTH_REWARD, n=4, temperature=1.0, max_tokens=10, seed=3
    )


def weights_of(policy):
    return torch.cat([p.detach().flatten() for p in policy.model.parameters()])


def gradients(policy):
    return torch.cat([p.grad.flatten() for p in policy.model.parameters() if p.grad is not None])


# ---- advantages --------------------------------------------------------------------------------


def test_advantages_of_a_worked_example():
    rewards = torch.tensor([[1.0, 2.0, 3.0, 6.0], [5.0, 5.0, 5.0, 5.0]])
    assert advantages(rewards, "group")[0].tolist() == [-2.0, -1.0, 0.0, 3.0]
    assert advantages(rewards, "leave_one_out")[0].tolist() == pytest.approx(
        [1 - 11 / 3, 2 - 10 / 3, 3 - 9 / 3, 6 - 6 / 3]
    )
    assert advantages(rewards, "group_std")[0].tolist() == pytest.approx(
        [x / (math.sqrt(14 / 3) + 1e-4) for x in (-2, -1, 0, 3)]
    )
    assert advantages(rewards, "best").tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]  # ties: the first
    assert advantages(rewards - 2, "positive")[0].tolist() == [0, 0, 1, 1]
    assert torch.equal(advantages(rewards, "reward"), rewards)
    for kind in ("group", "group_std", "leave_one_out"):
        assert (advantages(rewards, kind)[1] == 0).all() and abs(
            float(advantages(rewards, kind)[0].sum())
        ) < 1e-5


def test_leave_one_out_is_unbiased_and_the_group_mean_shrinks():
    """E[A·∇log π] for a coin: with the others' mean it is the true gradient, with the group mean
    (N − 1)/N of it.
    """
    p, n, rng = 0.3, 4, np.random.default_rng(0)
    draws = torch.tensor((rng.random((200_000, n)) < p).astype(np.float32))
    score_function = draws / p - (1 - draws) / (1 - p)
    truth = 1.0  # d/dp E[R], R = the coin
    for kind, factor in (("leave_one_out", 1.0), ("group", (n - 1) / n)):
        estimate = (advantages(draws, kind) * score_function).mean(1)
        assert abs(float(estimate.mean()) - factor * truth) < 4 * float(estimate.std()) / math.sqrt(
            len(draws)
        )


def test_groups_that_teach_nothing():
    rewards = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    assert kept_groups(rewards).tolist() == [True, True, True]
    assert kept_groups(rewards, "equal").tolist() == [False, False, True]
    assert kept_groups(rewards, "wrong").tolist() == [False, True, True]
    with pytest.raises(CourseError, match="drop"):
        kept_groups(rewards, "all")


@pytest.mark.parametrize("kind", [k for k in ADVANTAGES if k not in ("reward", "positive")])
def test_a_group_of_one_is_refused(kind):
    with pytest.raises(CourseError, match="at least 2"):
        advantages(torch.zeros(3, 1), kind)


# ---- one gradient, many names ------------------------------------------------------------------


def test_rft_is_a_policy_gradient_with_weights_of_zero_and_one(tiny, batch):
    """The gradient of the SFT loss on the kept replies is that of −Σ A log π with A = 1 for kept
    replies and 0 for the rest.
    """
    kept = advantages(batch.rewards, "best").flatten()
    student = tiny.copy()
    logp = now(student, batch, list(range(16)))
    total, _, _ = grpo_loss(logp, batch.old, batch.reference, kept, batch.mask, ratio=None)
    total.backward()
    policy_gradient = gradients(student)
    student.model.zero_grad()
    sft_loss(student, [e for e, k in zip(batch.examples, kept, strict=True) if k])[0].backward()
    assert torch.allclose(
        policy_gradient, gradients(student), atol=1e-4 * float(policy_gradient.abs().max())
    )


def test_raft_plus_plus_starts_where_raft_does(tiny, batch):
    """On fresh samples the ratio is 1, so RAFT++ has RAFT's gradient, and GRPO's clip is not
    felt.
    """
    kept, student, found = advantages(batch.rewards, "best").flatten(), tiny.copy(), []
    for ratio in (None, "token"):
        student.model.zero_grad()
        logp = now(student, batch, list(range(16)))
        loss, _, _ = grpo_loss(logp, logp.detach(), batch.reference, kept, batch.mask, ratio=ratio)
        loss.backward()
        found.append(gradients(student))
    assert torch.allclose(*found, atol=1e-5)


def test_the_k3_penalty_has_the_gradient_of_the_reverse_kl():
    """Over all outcomes of a coin, Σ π·∇(ρ·k3) is ∇KL(π ‖ ref)."""
    theta, ref = (
        torch.tensor([0.4, -0.3, 0.1], requires_grad=True),
        torch.tensor([0.1, 0.5, -0.2]).log_softmax(0),
    )
    logp = theta.log_softmax(0)
    mask = torch.ones(3, 1, dtype=torch.bool)
    total = torch.zeros(())
    for i, p in enumerate(logp.exp().detach()):  # expectation over the sampled token
        loss, _, _ = grpo_loss(
            logp[i].view(1, 1),
            logp[i].detach().view(1, 1),
            ref[i].view(1, 1),
            torch.zeros(1),
            mask[:1],
            beta=1.0,
        )
        total = total + p * loss
    (found,) = torch.autograd.grad(total, theta, retain_graph=True)
    (true,) = torch.autograd.grad((logp.exp() * (logp - ref)).sum(), theta)
    assert torch.allclose(found, true, atol=1e-6)


def test_log_probabilities_of_the_sampler_and_the_trainer_agree(tiny, batch):
    logp = now(tiny, batch, list(range(16)))
    assert torch.allclose(logp, batch.old, atol=1e-4) and torch.allclose(
        batch.reference, batch.old, atol=1e-4
    )
    probabilities = [
        torch.softmax(tiny.model(torch.tensor([p + r])).logits[0, len(p) - 1 : -1].detach(), -1)
        for p, r in batch.examples
    ]
    # mean entropy of the distributions the tokens were drawn from
    exact = torch.cat([-(q * q.log()).sum(-1) for q in probabilities]).mean()
    assert batch.entropy == pytest.approx(float(exact), rel=0.15)
    warm = collect(
        tiny, tiny, PROMPTS, [{}] * 4, LENGTH_REWARD, n=2, temperature=0.7, max_tokens=6, seed=3
    )
    assert torch.allclose(now(tiny, warm, [0, 5], 0.7), warm.old[[0, 5]], atol=1e-4)


def test_a_part_of_the_rows_is_the_same_rows(tiny, batch):
    every, some = now(tiny, batch, list(range(16))), now(tiny, batch, [7, 2])
    assert torch.allclose(every[[7, 2]], some, atol=1e-5)


# ---- PPO by hand -------------------------------------------------------------------------------


def test_ppo_of_a_worked_example():
    """Two replies of three and two tokens, numbers small enough for paper."""
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]]).bool()
    kl = torch.tensor([[0.1, 0.0, -0.2], [0.5, 0.5, 9.0]])
    rewards = token_rewards(torch.tensor([1.0, -1.0]), kl, mask, beta=0.1)
    assert torch.allclose(rewards, torch.tensor([[-0.01, 0.0, 1.02], [-0.05, -1.05, 0.0]]))
    values = torch.tensor([[0.5, 0.2, 0.4], [0.0, 0.3, 7.0]])
    # γ = 1, λ = 0.5, from the last token back: A3 = 1.02 − 0.4 = 0.62; A2 = (0 + 0.4 − 0.2) +
    # 0.5·0.62 = 0.51; A1 = (−0.01 + 0.2 − 0.5) + 0.5·0.51 = −0.055
    # second reply: A2 = −1.05 − 0.3 = −1.35; A1 = (−0.05 + 0.3 − 0) + 0.5·(−1.35) = −0.425
    advantage, target = gae(rewards, values, mask, gamma=1.0, lam=0.5)
    assert torch.allclose(
        advantage, torch.tensor([[-0.055, 0.51, 0.62], [-0.425, -1.35, 0.0]]), atol=1e-6
    )
    assert torch.allclose(
        target, torch.tensor([[0.445, 0.71, 1.02], [-0.425, -1.05, 0.0]]), atol=1e-6
    )
    # λ = 1 is the return minus V, λ = 0 is δ
    assert torch.allclose(
        gae(rewards, values, mask, lam=1.0)[1],
        torch.tensor([[1.01, 1.02, 1.02], [-1.1, -1.05, 0.0]]),
        atol=1e-6,
    )
    assert torch.allclose(
        gae(rewards, values, mask, lam=0.0)[0],
        torch.tensor([[-0.31, 0.2, 0.62], [0.25, -1.35, 0.0]]),
        atol=1e-6,
    )
    # ratios 1.5 and 0.5 with both signs of A, clip 0.2: −min(ρA, clip(ρ)A)
    ratio = torch.tensor([[1.5, 0.5, 1.1], [1.5, 0.5, 1.0]]).log()
    a = torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, 0.0]])
    total, terms, share = policy_loss(ratio, torch.zeros(2, 3), a, mask, 0.2)
    assert (
        float(total) == pytest.approx(-1.2 - 0.5 - 1.1 + 1.5 + 0.8)
        and terms == 5
        and share == pytest.approx(2 / 5)
    )
    # the value may move 0.2 from 0: targets 1 and 0.1, new values 0.5 and 0.3 → ½·max((0.5−1)²,
    # (0.2−1)²) and ½·max(0.2², 0.1²)
    total, terms = value_loss(
        torch.tensor([[0.5, 0.3]]),
        torch.zeros(1, 2),
        torch.tensor([[1.0, 0.1]]),
        torch.ones(1, 2).bool(),
        0.2,
    )
    assert float(total) == pytest.approx(0.5 * 0.64 + 0.5 * 0.04) and terms == 2
    w = whiten(a, mask)
    assert (
        abs(float(w[mask].mean())) < 1e-6
        and float(w[mask].std(correction=0)) == pytest.approx(1.0)
        and float(w[1, 2]) == 0
    )


def test_the_clip_takes_the_gradient_away_only_where_it_should():
    logp = torch.tensor(
        [[math.log(1.5), math.log(0.5), math.log(1.5), math.log(0.5)]], requires_grad=True
    )
    policy_loss(
        logp,
        torch.zeros(1, 4),
        torch.tensor([[1.0, 1.0, -1.0, -1.0]]),
        torch.ones(1, 4).bool(),
        0.2,
    )[0].backward()
    assert (logp.grad != 0).tolist() == [[False, True, True, False]]


def test_a_critic_starts_at_zero_and_reads_any_decoder(tiny, batch):
    critic = new_critic(tiny)
    assert (values_before(critic, batch.examples, batch.mask) == 0).all()
    torch.nn.init.normal_(
        critic.model.score.weight, std=0.1, generator=torch.Generator().manual_seed(0)
    )
    values = values_before(critic, batch.examples, batch.mask)
    prompt, response = batch.examples[5]
    direct = critic.model(torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1, 0]
    assert torch.allclose(values[5, : len(response)], direct.detach(), atol=1e-5)
    config = GPT2Config(
        vocab_size=300,
        n_positions=128,
        n_embd=32,
        n_layer=1,
        n_head=2,
        bos_token_id=None,
        eos_token_id=tiny.end_id,
        pad_token_id=tiny.tokenizer.pad_token_id,
    )
    # a model without packed attention
    other = Policy(GPT2LMHeadModel(config).eval(), tiny.tokenizer)
    trained = ppo(other, PROMPTS, LENGTH_REWARD, steps=2, prompts_per_step=4, n=2, max_tokens=6)
    assert len(trained.training_log.steps) == 2 and not torch.equal(
        weights_of(trained), weights_of(other)
    )


# ---- a bandit with a known optimum -------------------------------------------------------------


def bandit():
    """A policy with one word to say. "left" pays 1, anything else 0."""
    tokenizer = word_tokenizer(["pull left right"])
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    policy = Policy(LlamaForCausalLM(config).eval(), tokenizer)
    return (
        policy,
        tokenizer.convert_tokens_to_ids("▁left"),
        FunctionReward(lambda prompt, text, info: float(text == "left"), "arm"),
    )


def probability(policy, token):
    return float(sequence_logprobs(policy, [(policy.encode(["pull"])[0], [token])]).exp())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
def test_a_bandit_with_a_known_optimum(method):
    """The best policy under R − β KL is π_ref·exp(R/β), normalised.

    Π(A) = p·e^(1/β)/(p·e^(1/β) + 1 − p).
    """
    policy, token, reward = bandit()
    p, beta = probability(policy, token), 0.5
    assert 0.05 < p < 0.6
    best = p * math.exp(1 / beta) / (p * math.exp(1 / beta) + 1 - p)
    if method == "ppo":
        trained = ppo(
            policy,
            ["pull"],
            reward,
            steps=150,
            prompts_per_step=1,
            n=256,
            lr=1e-3,
            critic_lr=1e-2,
            beta=beta,
            max_tokens=1,
            updates=2,
            minibatch=256,
        )
    # with the group's std as divisor the scale of the reward, and so the optimum, would be another
    else:
        extra = {"advantage": "group"} if method == "grpo" else {}
        trained = grpo(
            policy,
            ["pull"],
            reward,
            method=method,
            steps=150,
            prompts_per_step=1,
            n=256,
            lr=1e-3,
            beta=beta,
            max_tokens=1,
            **extra,
        )
    assert probability(trained, token) == pytest.approx(best, abs=0.06)
    assert abs(best - p) > 0.2  # reached by learning, not by standing still


@pytest.mark.slow
def test_without_a_penalty_the_better_arm_wins():
    policy, token, reward = bandit()
    for method in ("raft++", "grpo"):
        trained = grpo(
            policy,
            ["pull"],
            reward,
            method=method,
            beta=0.0,
            steps=60,
            prompts_per_step=1,
            n=64,
            lr=3e-3,
            max_tokens=1,
        )
        assert probability(trained, token) > 0.95
        assert trained.training_log.column("reward")[-1] > trained.training_log.column("reward")[0]


# ---- the loop ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_runs_and_leaves_the_policy_alone(tiny, method):
    before = weights_of(tiny)
    trained = grpo(
        tiny, PROMPTS, LENGTH_REWARD, method=method, steps=2, prompts_per_step=2, n=3, max_tokens=6
    )
    assert torch.equal(weights_of(tiny), before) and not torch.equal(weights_of(trained), before)
    log = trained.training_log
    assert {"reward", "kl", "length", "entropy", "clip_fraction", "loss", "kept", "cut"} <= set(
        log.steps[0]
    )
    assert abs(log.steps[0]["kl"]) < 1e-4  # the first batch comes from the reference itself
    assert log.account.tokens_sampled == sum(round(step["length"] * 6) for step in log.steps)
    assert set(log.account.models) == {"policy", "reference"}


def gradients_of_training(monkeypatch, train):
    """The gradients, after clipping is off, that the first optimiser step of ``train()`` would
    use.
    """
    seen = []
    real = training.Stepper.__init__

    def without_clip(self, *args, **kwargs):
        real(self, *args, **kwargs)
        self.clip = 0.0
        self.optimizer.step = lambda *a, **k: seen.append(
            torch.cat([p.grad.flatten().clone() for p in self.parameters])
        )

    with monkeypatch.context() as patch:
        patch.setattr(training.Stepper, "__init__", without_clip)
        train()
    return seen[0]


@pytest.mark.parametrize("method", ["grpo", "rloo", "raft", "ppo", "dpo"])
def test_accumulation_changes_nothing(tiny, monkeypatch, method):
    def train(parts):
        if method == "dpo":
            return dpo(
                tiny,
                pairs_from(
                    tiny, score(sample(tiny, PROMPTS, n=4, max_tokens=6, seed=4), LENGTH_REWARD)
                ),
                batch_size=4,
                accumulate=parts,
            )
        if method == "ppo":
            return ppo(
                tiny,
                PROMPTS,
                LENGTH_REWARD,
                steps=1,
                prompts_per_step=2,
                n=4,
                max_tokens=6,
                updates=1,
                minibatch=8,
                accumulate=parts,
            )
        return grpo(
            tiny,
            PROMPTS,
            LENGTH_REWARD,
            method=method,
            steps=1,
            prompts_per_step=2,
            n=4,
            max_tokens=6,
            accumulate=parts,
        )

    one = gradients_of_training(monkeypatch, lambda: train(1))
    three = gradients_of_training(monkeypatch, lambda: train(3))
    assert one.abs().max() > 1e-4 and torch.allclose(one, three, atol=1e-4 * float(one.abs().max()))


@pytest.mark.parametrize("method", ["grpo", "ppo"])
def test_an_interrupted_run_goes_on_to_the_same_result(tiny, tmp_path, monkeypatch, method):
    from course_lib.methods import online

    def train(**more):
        settings = dict(steps=5, prompts_per_step=2, n=3, max_tokens=6, checkpoint_every=2, **more)
        return (
            ppo(tiny, PROMPTS, LENGTH_REWARD, **settings)
            if method == "ppo"
            else grpo(tiny, PROMPTS, LENGTH_REWARD, updates=2, minibatch=3, **settings)
        )

    whole = train()
    count, collected = [0], online.collect

    def dies(*args, **kwargs):
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        return collected(*args, **kwargs)

    monkeypatch.setattr(online, "collect", dies)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=tmp_path / "run.pt")
    monkeypatch.setattr(online, "collect", collected)
    resumed = train(checkpoint=tmp_path / "run.pt")
    assert torch.equal(weights_of(whole), weights_of(resumed))
    assert resumed.training_log.steps == whole.training_log.steps
    assert resumed.training_log.account.tokens_sampled == whole.training_log.account.tokens_sampled
    with pytest.raises(CourseError, match="another run"):
        train(checkpoint=tmp_path / "run.pt", lr=3e-4)


def test_dropout_is_off_while_training(tiny):
    """GPT-2 trains with dropout.

    Here the importance ratio on fresh samples must be 1 and DPO must start at log 2.
    """
    config = GPT2Config(
        vocab_size=300,
        n_positions=128,
        n_embd=32,
        n_layer=1,
        n_head=2,
        resid_pdrop=0.5,
        embd_pdrop=0.5,
        bos_token_id=None,
        eos_token_id=tiny.end_id,
        pad_token_id=tiny.tokenizer.pad_token_id,
    )
    other = Policy(GPT2LMHeadModel(config).eval(), tiny.tokenizer)
    trained = grpo(
        other,
        PROMPTS,
        LENGTH_REWARD,
        method="raft++",
        steps=1,
        prompts_per_step=4,
        n=4,
        max_tokens=6,
        updates=2,
        minibatch=16,
        lr=1e-9,
    )
    # −ρA with A = 1 for every kept reply
    assert trained.training_log.steps[0]["loss"] == pytest.approx(-1.0, abs=1e-3)
    pool = score(sample(other, PROMPTS, n=4, max_tokens=6), LENGTH_REWARD)
    assert dpo(other, pairs_from(other, pool)).training_log.losses[0] == pytest.approx(
        math.log(2), abs=1e-4
    )


def decoder(kind, tiny, **changes):
    """A tiny model whose attention counts."""
    config = AutoConfig.for_model(
        kind,
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=tiny.end_id,
        pad_token_id=tiny.tokenizer.pad_token_id,
        **changes,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval()
    for name, weight in model.named_parameters():
        if weight.dim() >= 2 and "embed" not in name:
            weight.data.mul_(4.0)
    return Policy(model, tiny.tokenizer)


@pytest.mark.parametrize("kind", ["llama", "falcon"])
def test_dropout_that_is_a_number_is_off_too(tiny, kind):
    """No module shows it: Llama's attention has the number, Falcon's reads the configuration."""
    policy = decoder(kind, tiny, attention_dropout=0.5)
    runs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        runs.append(
            grpo(
                policy,
                PROMPTS,
                LENGTH_REWARD,
                steps=2,
                prompts_per_step=2,
                n=4,
                max_tokens=6,
                updates=2,
                lr=1e-12,
            )
        )
    assert torch.equal(weights_of(runs[0]), weights_of(runs[1]))
    assert runs[0].training_log.column("clip_fraction") == [0.0, 0.0]
    pairs = pairs_from(policy, score(sample(policy, PROMPTS, n=4, max_tokens=6), LENGTH_REWARD))
    trained = dpo(policy, pairs, lr=1e-12, epochs=1)
    assert trained.training_log.steps[0]["margin"] == pytest.approx(0.0, abs=1e-4)
    assert policy.model.config.attention_dropout == 0.5
    assert runs[0].model.config.attention_dropout == 0.0


def test_a_token_budget_ends_the_run_and_is_in_its_checkpoint(tiny, tmp_path):
    settings = dict(
        steps=50,
        prompts_per_step=2,
        n=2,
        max_tokens=6,
        checkpoint=tmp_path / "run.pt",
        checkpoint_every=1,
    )
    trained = grpo(tiny, PROMPTS, LENGTH_REWARD, token_budget=60, **settings)
    steps = trained.training_log.steps
    tokens = [step["length"] * 4 for step in steps]
    assert sum(tokens) >= 60 > sum(tokens[:-1]) and 1 < len(steps) < 50
    again = grpo(tiny, PROMPTS, LENGTH_REWARD, token_budget=60, **settings)  # nothing left to do
    assert torch.equal(weights_of(again), weights_of(trained)) and again.training_log.steps == steps
    with pytest.raises(CourseError, match="another run"):
        grpo(
            tiny,
            PROMPTS,
            FunctionReward(lambda prompt, text, info: 0.0, "other"),
            token_budget=60,
            **settings,
        )


def test_the_critic_may_learn_first(tiny):
    trained = ppo(
        tiny,
        PROMPTS,
        LENGTH_REWARD,
        steps=2,
        prompts_per_step=4,
        n=2,
        max_tokens=6,
        critic_warmup=2,
    )
    assert (
        torch.equal(weights_of(trained), weights_of(tiny))
        and trained.critic.model.score.weight.abs().max() > 0
    )


def test_large_seeds_are_seeds_too(tiny):
    assert len(list(minibatches(list(range(6)), 2, 3, step=5, seed=2**31))) == 4


def test_dpo_goes_on_to_the_same_result(tiny, tmp_path, monkeypatch):
    pairs = pairs_from(tiny, score(sample(tiny, PROMPTS, n=6, max_tokens=8, seed=4), LENGTH_REWARD))

    def train(**more):
        return dpo(tiny, pairs, epochs=6, batch_size=2, checkpoint_every=3, **more)

    whole, real, count = train(), training.Stepper.step, [0]

    def dies(self, *args):
        count[0] += 1
        if count[0] == 8:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(training.Stepper, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=tmp_path / "dpo.pt")
    monkeypatch.setattr(training.Stepper, "step", real)
    resumed = train(checkpoint=tmp_path / "dpo.pt")
    assert torch.equal(weights_of(whole), weights_of(resumed))
    assert (
        resumed.training_log.steps == whole.training_log.steps
        and resumed.training_log.account.tokens_trained == whole.training_log.account.tokens_trained
    )


def test_dropped_groups_are_not_learnt_from(tiny):
    never = FunctionReward(lambda prompt, text, info: 0.0, "never")
    trained = grpo(
        tiny, PROMPTS, never, drop="wrong", steps=2, prompts_per_step=2, n=2, max_tokens=4
    )
    assert torch.equal(weights_of(trained), weights_of(tiny)) and trained.training_log.column(
        "kept"
    ) == [0, 0]
    equal = grpo(
        tiny,
        PROMPTS,
        FunctionReward(lambda prompt, text, info: 1.0, "always"),
        drop="equal",
        steps=1,
        prompts_per_step=2,
        n=2,
        max_tokens=4,
    )
    assert equal.training_log.column("kept") == [0]
    raft = grpo(
        tiny,
        PROMPTS,
        never,
        method="raft",
        advantage="positive",
        steps=1,
        prompts_per_step=2,
        n=2,
        max_tokens=4,
    )
    assert torch.equal(weights_of(raft), weights_of(tiny))


def test_minibatches_cover_every_row_in_each_pass():
    rows = [3, 1, 4, 9, 5]
    parts = list(minibatches(rows, 2, 2, step=0, seed=0))
    assert [len(p) for p in parts] == [2, 2, 1, 2, 2, 1]
    assert (
        sorted(sum(parts[:3], [])) == sorted(rows) == sorted(sum(parts[3:], []))
        and parts[:3] != parts[3:]
    )
    assert list(minibatches(rows, 1, 8, 0, 0)) == [rows] and list(minibatches([], 2, 4, 0, 0)) == []


def test_bad_settings_are_refused(tiny):
    for settings, words in (
        ({"method": "grpo2"}, "method must be"),
        ({"gamma": 1}, "unknown settings"),
        ({"beta": -1.0}, "beta"),
        ({"kl": "both"}, "kl must be"),
        ({"updates": 2, "ratio": None}, "importance ratio"),
        ({"steps": 0}, "steps"),
        ({"n": 1}, "at least 2"),
        ({"method": "rloo", "kl": "loss"}, "kl='reward'"),
    ):
        with pytest.raises(CourseError, match=words):
            grpo(tiny, PROMPTS, LENGTH_REWARD, **{"steps": 1, "max_tokens": 3, **settings})
    with pytest.raises(CourseError, match="no prompts"):
        ppo(tiny, [], LENGTH_REWARD)
    with pytest.raises(CourseError, match="from 0 to 1"):
        ppo(tiny, PROMPTS, LENGTH_REWARD, lam=2)


# ---- DPO ---------------------------------------------------------------------------------------


def test_dpo_loss_of_a_worked_example():
    loss, better, worse = dpo_loss(
        torch.tensor([-10.0]),
        torch.tensor([-12.0]),
        torch.tensor([-11.0]),
        torch.tensor([-11.0]),
        beta=0.5,
    )
    assert (
        float(better) == 0.5
        and float(worse) == -0.5
        and float(loss) == pytest.approx(math.log(1 + math.exp(-1.0)))
    )


def test_dpo_learns_its_pairs_and_starts_at_log_two(tiny):
    pool = score(sample(tiny, PROMPTS, n=6, max_tokens=8, seed=4), LENGTH_REWARD)
    pairs = pairs_from(tiny, pool)
    trained = dpo(tiny, pairs, epochs=20, lr=1e-3, batch_size=4)
    log = trained.training_log
    assert (
        log.losses[0] == pytest.approx(math.log(2), abs=1e-5)
        and log.losses[-1] < 0.5 * log.losses[0]
    )
    assert (
        log.steps[-1]["accuracy"] == 1.0
        and log.steps[-1]["margin"] > log.steps[0]["margin"]
        and len(log.steps) == len(log.losses)
    )
    chosen, rejected = (
        sequence_logprobs(trained, side) - sequence_logprobs(tiny, side) for side in pairs
    )
    assert (chosen > rejected).all()
    assert log.account.tokens_sampled == 0 and log.account.tokens_trained > 0


def test_dpo_pairs_keep_cut_replies_open_and_drop_equal_ones(tiny):
    pool = score(sample(tiny, PROMPTS, n=6, max_tokens=3, seed=4), LENGTH_REWARD)
    chosen, rejected = pairs_from(tiny, pool)
    # cut at three tokens: no end token is taught
    assert any(response[-1] != tiny.end_id for _, response in chosen + rejected)
    rows = [
        {"prompt": "Hi.", "chosen": "a", "rejected": "b"},
        {"prompt": "Hi.", "chosen": "a", "rejected": "a"},
    ]
    assert [len(side) for side in labelled_pairs(tiny, rows)] == [1, 1]
    with pytest.raises(CourseError, match="no pair"):
        labelled_pairs(tiny, rows[1:])
    with pytest.raises(CourseError, match="above 0"):
        dpo(tiny, labelled_pairs(tiny, rows), beta=0.0)


def test_padded():
    assert padded([torch.tensor([1.0]), torch.tensor([2.0, 3.0])], 3).tolist() == [
        [1, 0, 0],
        [2, 3, 0],
    ]


def test_a_trained_policy_is_saved_and_loaded_like_any_other(tiny, tmp_path):
    trained = grpo(tiny, PROMPTS, LENGTH_REWARD, steps=1, prompts_per_step=2, n=2, max_tokens=4)
    trained.save(tmp_path / "policy")
    assert torch.equal(weights_of(load_policy(tmp_path / "policy")), weights_of(trained))


@pytest.mark.parametrize("method", [grpo, ppo])
def test_the_schedule_of_online_methods_is_by_name(method, monkeypatch):
    """The rates that the optimiser takes, step by step: level, or falling to a tenth."""
    policy, _, reward = bandit()
    taken = {}

    def recorded(name):
        def rate_at(step, steps, lr):
            value = BY_NAME[name](step, steps, lr)
            taken.setdefault(name, []).append(value)
            return value

        return rate_at

    module = sys.modules[method.__module__]
    monkeypatch.setattr(module, "BY_NAME", {name: recorded(name) for name in BY_NAME})
    for name in ("constant", "cosine"):
        given = {"steps": 6, "prompts_per_step": 1, "n": 8, "max_tokens": 1, "lr": 1e-3}
        method(policy, ["pull"], reward, schedule=name, **given)
    assert taken["constant"][-1] == pytest.approx(1e-3)
    assert taken["cosine"][-1] < 0.3e-3 < max(taken["cosine"])
    with pytest.raises(CourseError, match="schedule must be one of constant, cosine; got 'flat'"):
        method(policy, ["pull"], reward, schedule="flat", max_tokens=1)
