"""What saves memory in training changes nothing of its result."""

import contextlib
import sys

import pytest
import torch

from course_lib.base import CourseError, Hooks, key_of
from course_lib.methods import (
    FineTuning,
    RewardTraining,
    Stages,
    Stepper,
    TrainingLog,
    dpo,
    finetune,
    fingerprint,
    grpo,
    optimiser,
    ppo,
    precision,
    rejection_sampling_rounds,
    sft_loss,
    train,
    train_reward_model,
    trained,
)
from course_lib.methods.settings import Training
from course_lib.models import (
    FunctionReward,
    examples_of,
    load_policy,
    packing,
    recomputing,
    resting,
    sample,
    savings,
    sequence_logprobs,
    tiny_policy,
)
from course_lib.models.proving import packs
from course_lib.models.savings import loses_attention, recomputes
from course_lib.pools import best_per_prompt

PROMPTS = ["the cat", "a mat", "12 + 30", "the cat sat on"]
REPLIES = ["sat on the mat", "on the cat", "= 42", "the mat"]
PAIRS = list(zip(PROMPTS, REPLIES, strict=True))
COMPARED = [
    {"prompt": p, "chosen": r, "rejected": o}
    for p, r, o in zip(PROMPTS, REPLIES, REPLIES[1:] + REPLIES[:1], strict=True)
]
LENGTH = FunctionReward(lambda prompt, text, info: float(len(text)), "length")


@pytest.fixture
def tiny():
    return tiny_policy(PROMPTS + REPLIES, "qwen3", width=32, vocabulary=200, seed=1)


def weights_of(policy):
    return torch.cat([p.detach().flatten() for p in policy.model.parameters()])


# ---- activations computed again ----------------------------------------------------------------


def test_recomputing_keeps_the_packed_attention(tiny, monkeypatch):
    """The layers are computed twice, packed both times, to the same bits."""
    examples = examples_of(tiny, PROMPTS, REPLIES)
    assert packs(tiny.model)
    calls, own = [], packing.padded_attention

    def counted(*args):
        calls.append(args[0].shape)
        return own(*args)

    monkeypatch.setattr(packing, "padded_attention", counted)
    tiny.model.train()
    gradients = []
    for wanted in (False, True):
        tiny.model.zero_grad()
        calls.clear()
        with recomputing(tiny.model, wanted):
            loss, _ = sft_loss(tiny, examples)
            before = len(calls)
            loss.backward()
        layers = tiny.model.config.num_hidden_layers
        assert before == layers and len(calls) == layers * (2 if wanted else 1)
        gradients.append(torch.cat([p.grad.flatten() for p in tiny.model.parameters()]))
        assert not recomputes(tiny.model)
    assert torch.equal(*gradients) and float(gradients[0].norm()) > 0
    assert tiny.model.config._attn_implementation == "sdpa"


def test_another_ones_recomputing_is_left_alone(tiny):
    tiny.model.gradient_checkpointing_enable({"use_reentrant": False})
    with recomputing(tiny.model):
        assert loses_attention(tiny.model)
    assert recomputes(tiny.model)


@pytest.mark.parametrize("method", ["finetune", "dpo", "reward", "grpo", "ppo"])
def test_recompute_changes_no_bit(tiny, monkeypatch, method):
    counted = []
    own = savings._same_attention
    monkeypatch.setattr(savings, "_same_attention", lambda m: counted.append(m) or own(m))

    def run(**more):
        if method == "finetune":
            return finetune(tiny, PAIRS, batch_size=2, accumulate=2, **more)
        if method == "dpo":
            chosen = examples_of(tiny, PROMPTS, REPLIES)
            rejected = examples_of(tiny, PROMPTS, REPLIES[1:] + REPLIES[:1])
            return dpo(tiny, (chosen, rejected), batch_size=2, **more)
        if method == "reward":
            return train_reward_model(tiny, COMPARED, batch_size=2, **more)
        online = {"grpo": grpo, "ppo": ppo}[method]
        return online(tiny, PROMPTS, LENGTH, steps=2, prompts_per_step=2, n=2, max_tokens=4, **more)

    plain, again = run(), run(recompute=True)
    assert torch.equal(weights_of(plain), weights_of(again))
    assert len(counted) == (2 if method == "ppo" else 1)
    assert not recomputes(again.model)


def test_recompute_is_in_no_key_and_must_be_true_or_false():
    assert key_of(FineTuning()) == key_of(FineTuning(recompute=True))
    with pytest.raises(CourseError, match="recompute must be True or False; got 1"):
        FineTuning(recompute=1).check()


def test_a_model_that_cannot_says_so(tiny, monkeypatch):
    monkeypatch.setattr(type(tiny.model), "supports_gradient_checkpointing", False)
    with pytest.raises(CourseError, match="leave recompute out"):
        finetune(tiny, PAIRS, recompute=True)


# ---- idle models -------------------------------------------------------------------------------


class Moved(torch.nn.Linear):
    """A model that says it is on a GPU, and writes down where it is sent."""

    def __init__(self):
        super().__init__(1, 1)
        self.sent = []

    def to(self, place):
        self.sent.append(str(place))
        return self


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(
        savings,
        "place_of",
        lambda model: torch.device("cuda:0" if isinstance(model, Moved) else "cpu"),
    )


def test_idle_models_rest_and_come_back(gpu):
    one, other, here = Moved(), Moved(), torch.nn.Linear(1, 1)
    with pytest.raises(KeyboardInterrupt), resting(one, other, one, None, here):
        assert one.sent == other.sent == ["cpu"]
        raise KeyboardInterrupt
    assert one.sent == other.sent == ["cpu", "cuda:0"]
    with resting():
        pass


def test_every_method_rests_the_model_it_copied(tiny, monkeypatch):
    """While the student trains, and only those that are not read."""
    at_rest = []

    @contextlib.contextmanager
    def watched(*models):
        at_rest.append([model for model in models if model is not None])
        yield

    for name in ("sft", "dpo", "grpo", "ppo", "reward_training"):
        monkeypatch.setattr(sys.modules[f"course_lib.methods.{name}"], "resting", watched)
    other = tiny.copy()
    chosen = examples_of(tiny, PROMPTS, REPLIES)
    rejected = examples_of(tiny, PROMPTS, REPLIES[1:] + REPLIES[:1])
    small = {"steps": 1, "prompts_per_step": 2, "n": 2, "max_tokens": 3}
    finetune(tiny, PAIRS)
    train_reward_model(tiny, COMPARED)
    dpo(tiny, (chosen, rejected), reference=other)
    grpo(tiny, PROMPTS, LENGTH, **small)
    grpo(tiny, PROMPTS, LENGTH, reference=other, **small)
    ppo(tiny, PROMPTS, LENGTH, reference=other, **small)
    mine, theirs = tiny.model, other.model
    assert at_rest == [[mine], [mine], [mine, theirs], [], [mine], [mine]]


# ---- bfloat16 weights with float32 ones beside them --------------------------------------------


@pytest.fixture
def masters(monkeypatch):
    """What a GPU does with bfloat16, here."""
    monkeypatch.setattr(optimiser, "wants_masters", lambda device, dtype: dtype == torch.bfloat16)


def test_bfloat16_weights_compute_and_float32_ones_are_optimised(tiny, masters):
    seen = set()
    student = tiny.copy()
    examples = examples_of(tiny, PROMPTS, REPLIES)

    def loss_of(rows):
        seen.update(p.dtype for p in student.model.parameters())
        return sft_loss(student, [examples[i] for i in rows])

    log = train(student.model, loss_of, 4, epochs=20, batch_size=4, lr=1e-5, dtype=torch.bfloat16)
    assert seen == {torch.bfloat16}
    assert {p.dtype for p in student.model.parameters()} == {torch.float32}
    assert all(
        p.grad is None and not p._post_accumulate_grad_hooks for p in student.model.parameters()
    )
    # steps of 1e-5 are lost in bfloat16 weights, not in those that are optimised
    moved = (weights_of(student) - weights_of(tiny)).abs()
    assert float((moved > 0).float().mean()) > 0.9 and log.losses[-1] < log.losses[0]


def test_bfloat16_trains_like_float32(tiny, masters):
    plain = finetune(tiny, PAIRS * 3, epochs=4, batch_size=4)
    half = finetune(tiny, PAIRS * 3, epochs=4, batch_size=4, dtype=torch.bfloat16)
    one, other = plain.training_log.losses, half.training_log.losses
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 0.1
    assert other[-1] < other[0] - 0.5
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}


def gradient_in_parts(policy, parts):
    """The gradient of one step, as the optimiser finds it."""
    student, examples = policy.copy(), examples_of(policy, PROMPTS, REPLIES)
    stepper = Stepper(student.model, 1, Training(dtype=torch.bfloat16, clip=0, lr=1e-3))
    found, own = [], stepper._optimised

    def watched():
        found.append(torch.cat([p.grad.flatten() for p in stepper.parameters]))
        return own()

    stepper._optimised = watched
    rows = optimiser.in_parts(range(4), parts)
    stepper.step(lambda part: sft_loss(student, [examples[i] for i in part]), rows)
    stepper.close()
    return found[0]


def test_parts_add_up_in_float32(tiny, masters):
    """As many parts as there are examples make the same step, but for rounding in each."""
    one, four = gradient_in_parts(tiny, 1), gradient_in_parts(tiny, 4)
    assert one.dtype == four.dtype == torch.float32
    assert 0 < float((one - four).norm() / one.norm()) < 0.02


def test_an_interrupted_bfloat16_run_goes_on_to_the_same_result(tiny, masters, tmp_path):
    settings = FineTuning(epochs=3, batch_size=2, checkpoint_every=2, dtype=torch.bfloat16)
    whole = finetune(tiny, PAIRS, settings)

    def dies(step):
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(tiny, PAIRS, settings, checkpoint=tmp_path / "c.pt", hooks=Hooks(on_step=dies))
    again = finetune(tiny, PAIRS, settings, checkpoint=tmp_path / "c.pt")
    assert torch.equal(weights_of(whole), weights_of(again))


def test_only_cuda_has_bfloat16_weights():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert not precision.wants_masters(cpu, torch.bfloat16)
    assert precision.wants_masters(cuda, torch.bfloat16)
    assert not precision.wants_masters(cuda, torch.float16)


# ---- steps that float16 leaves out -------------------------------------------------------------


def test_a_step_with_a_gradient_that_is_not_finite_is_counted_and_changes_nothing():
    weight = torch.nn.Linear(1, 1)
    stepper = Stepper(weight, 10, Training(lr=0.1, dtype=torch.float16))
    stepper.scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    before = weight.weight.detach().clone()
    x = torch.ones(1, 1)

    loss, _, _ = stepper.step(lambda part: (_Infinite.apply(weight(x).sum()), 1), [0])
    assert loss == loss and stepper.skipped == 1 and stepper.step_number == 0
    assert torch.equal(weight.weight, before)
    stepper.step(lambda part: (weight(x).sum(), 1), [0])
    assert stepper.skipped == 1 and stepper.step_number == 1
    assert not torch.equal(weight.weight, before)


class _Infinite(torch.autograd.Function):
    """A number whose gradient is infinite."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * float("inf")


def test_a_training_log_says_what_was_skipped(monkeypatch):
    weight, x, seen = torch.nn.Linear(1, 1), torch.ones(1, 1), []
    monkeypatch.setattr(
        torch.amp, "GradScaler", lambda *args, own=torch.amp.GradScaler, **kw: own("cpu", 64.0)
    )

    def loss_of(rows):
        seen.append(rows)
        y = weight(x).sum()
        return (_Infinite.apply(y) if len(seen) == 1 else y), 5

    with pytest.warns(UserWarning, match="1 of 3 steps changed nothing"):
        log = train(weight, loss_of, 3, batch_size=1, lr=1e-3)
    assert log.skipped == 1 and log.tokens == 10 and len(log.losses) == 3
    assert TrainingLog().skipped == 0


# ---- checkpoints -------------------------------------------------------------------------------


def test_there_is_no_checkpoint_after_the_last_step(tiny, monkeypatch, tmp_path):
    written = []
    own = optimiser.save_checkpoint
    monkeypatch.setattr(
        optimiser,
        "save_checkpoint",
        lambda *args: written.append(args[2].step_number) or own(*args),
    )
    file = tmp_path / "c.pt"
    for every, expected in ((1, [1, 2, 3]), (2, [2]), (4, []), (200, [])):
        finetune(tiny, PAIRS, epochs=2, batch_size=2, checkpoint=file, checkpoint_every=every)
        assert written == expected
        assert file.exists() == bool(expected)
        written.clear()
        file.unlink(missing_ok=True)


def test_a_checkpoint_may_lie_in_another_folder(tiny, tmp_path):
    pool = sample(tiny, PROMPTS, n=2, max_tokens=4)
    chosen = best_per_prompt(pool.with_reward("length", pool.lengths.float()))
    settings = FineTuning(epochs=2, batch_size=1, checkpoint_every=1)
    stages = Stages(tmp_path / "drive", scratch=tmp_path / "local")

    def dies(step):
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tiny, chosen, settings, stages, hooks=Hooks(on_step=dies))
    assert not list((tmp_path / "drive").rglob("*.pt"))
    (file,) = (tmp_path / "local").iterdir()
    assert file.name.startswith("policy-") and file.name.endswith(".checkpoint.pt")
    steps = []
    again = trained(tiny, chosen, settings, stages, hooks=Hooks(on_step=steps.append))
    assert steps[0] == 3 and not list((tmp_path / "local").iterdir())
    assert fingerprint(again) == fingerprint(trained(tiny, chosen, settings))


# ---- adapters ----------------------------------------------------------------------------------


@pytest.mark.peers
def test_lora_learns_is_saved_and_says_the_same(tiny, tmp_path):
    pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    before = weights_of(tiny).clone()
    tuned = finetune(tiny, PAIRS * 4, epochs=5, batch_size=4, lr=1e-2, lora=4)
    assert torch.equal(weights_of(tiny), before)
    names = {name for name, p in tuned.model.named_parameters() if p.requires_grad}
    layers = tiny.model.config.num_hidden_layers
    assert len(names) == layers * 7 * 2 and all("lora" in name for name in names)
    losses = tuned.training_log.losses
    assert losses[-1] < losses[0] - 0.3
    tuned.save(tmp_path / "tuned")
    assert (tmp_path / "tuned" / "adapter_config.json").is_file()
    again = load_policy(tmp_path / "tuned", device="cpu")
    for n in (1, 3):
        one, other = (sample(p, PROMPTS, n=n, max_tokens=6, seed=2) for p in (tuned, again))
        assert one.texts == other.texts
    assert one.texts != sample(tiny, PROMPTS, n=3, max_tokens=6, seed=2).texts


@pytest.mark.peers
def test_lora_starts_where_the_policy_is_and_goes_on_in_its_adapter(tiny):
    pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    fresh = tiny.copy().adapted(4, seed=3)
    examples = examples_of(tiny, PROMPTS, REPLIES)
    torch.testing.assert_close(
        sequence_logprobs(fresh, examples), sequence_logprobs(tiny, examples)
    )
    assert torch.equal(weights_of(tiny.copy().adapted(4, seed=3)), weights_of(fresh))
    assert tiny.adapted(0) is tiny
    tuned = finetune(fresh, PAIRS, lora=4)
    count = sum(1 for _ in fresh.model.parameters())
    assert sum(1 for _ in tuned.model.parameters()) == count


@pytest.mark.peers
@pytest.mark.parametrize("recompute", [False, True])
def test_a_lora_run_is_resumed_and_its_checkpoint_is_small(tiny, tmp_path, recompute):
    pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    settings = FineTuning(
        epochs=3, batch_size=2, checkpoint_every=2, lora=2, recompute=recompute, lr=1e-2
    )
    whole = finetune(tiny, PAIRS, settings)

    def dies(step):
        if step == 3:
            raise KeyboardInterrupt

    file = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt):
        finetune(tiny, PAIRS, settings, checkpoint=file, hooks=Hooks(on_step=dies))
    saved = torch.load(file, weights_only=True)["steppers"][0]
    assert all("lora" in name for name in saved["weights"]) and not saved["buffers"]
    again = finetune(tiny, PAIRS, settings, checkpoint=file)
    assert torch.equal(weights_of(whole), weights_of(again))
    assert not torch.equal(weights_of(whole), weights_of(finetune(tiny, PAIRS, settings, epochs=1)))


@pytest.mark.peers
@pytest.mark.parametrize("start", ["base", "last"])
def test_lora_goes_through_rounds_on_disk(tiny, tmp_path, start):
    pytest.importorskip("peft", reason="needs the [peers] extra (peft)")

    def rounds(out):
        return rejection_sampling_rounds(
            tiny, PROMPTS, LENGTH, rounds=2, start=start, n=4, max_tokens=6, epochs=1,
            batch_size=2, lr=1e-2, lora=2, select=best_per_prompt, out=out,
        )  # fmt: skip

    memory = rounds(None)
    for _ in range(2):  # made, and then found again
        for one, other in zip(memory, rounds(tmp_path / "out"), strict=True):
            assert one.pool.texts == other.pool.texts
            torch.testing.assert_close(weights_of(one.policy), weights_of(other.policy))


@pytest.mark.peers
def test_dpo_trains_an_adapter_too(tiny):
    pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    chosen = examples_of(tiny, PROMPTS, REPLIES)
    rejected = examples_of(tiny, PROMPTS, REPLIES[1:] + REPLIES[:1])
    tuned = dpo(tiny, (chosen, rejected), epochs=20, batch_size=4, lr=1e-2, lora=2)
    assert all("lora" in n for n, p in tuned.model.named_parameters() if p.requires_grad)
    assert tuned.training_log.losses[0] == pytest.approx(0.6931, abs=1e-3)
    assert tuned.training_log.steps[-1]["accuracy"] == 1.0


def test_lora_without_peft_says_what_to_do(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(CourseError, match="pip install peft. lora=0 trains all weights"):
        finetune(tiny, PAIRS, lora=4)


def test_a_reward_model_has_no_lora():
    with pytest.raises(CourseError, match="leave lora at 0"):
        RewardTraining(lora=2).check()
    for bad in (-1, 1.5, True):
        with pytest.raises(CourseError, match="lora"):
            FineTuning(lora=bad).check()


# ---- autocast, as float16 on a GPU has it ------------------------------------------------------


@pytest.fixture
def mixed(monkeypatch):
    """Autocast to bfloat16 on the CPU: the same code, and the CPU's own products."""
    monkeypatch.setattr(
        optimiser, "autocast", lambda device, dtype: torch.autocast("cpu", dtype=torch.bfloat16)
    )


@pytest.mark.parametrize("recompute", [False, True])
def test_copies_of_weights_serve_all_parts_of_a_step(tiny, mixed, monkeypatch, recompute):
    """One context a step: each weight is cast once, and every part has its gradient through it."""
    one = finetune(tiny, PAIRS, epochs=3, batch_size=4, recompute=recompute)
    four = finetune(tiny, PAIRS, epochs=3, batch_size=4, accumulate=4, recompute=recompute)
    for a, b in zip(one.training_log.losses, four.training_log.losses, strict=True):
        assert a == pytest.approx(b, abs=0.02)
    assert four.training_log.losses[-1] < four.training_log.losses[0] - 0.01
    difference = float((weights_of(one) - weights_of(four)).norm())
    assert difference < 0.3 * float((weights_of(one) - weights_of(tiny)).norm())


def test_trials_leave_no_copies_without_gradients(tiny, mixed):
    """The first step tries packed rows and the head, inside autocast; its gradients are whole."""
    model = train_reward_model(tiny, COMPARED, epochs=30, batch_size=4, lr=1e-3)
    assert model.facts["losses"][-1] < model.facts["losses"][0] - 0.05
    fresh = tiny_policy(PROMPTS, "llama", width=32, vocabulary=200, seed=1)
    tuned = finetune(fresh, PAIRS, epochs=1, batch_size=4)
    moved = [
        not torch.equal(a, b)
        for a, b in zip(fresh.model.parameters(), tuned.model.parameters(), strict=True)
    ]
    assert all(moved)
