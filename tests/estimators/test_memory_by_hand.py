"""The memory of a training step and of sampling, counted by hand and counted on real tensors."""

import weakref
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen3Config, Qwen3ForCausalLM

from course_lib.estimators import (
    Savings,
    Shape,
    activation_bytes,
    cache_bytes,
    logits_bytes,
    phases,
    sampling_memory,
    training_bytes,
    training_memory,
)
from course_lib.models import sample, tiny_policy
from course_lib.models.attention import attention
from course_lib.models.packing import Packing
from course_lib.models.savings import recomputing

QWEN = Shape(28, 1024, 3072, 16, 8, 128)  # Qwen3-0.6B
SMALL = [
    dict(hidden_size=64, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4),
    dict(hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4),
    dict(hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=8),
]
LENGTHS = [80, 20, 60, 40]


def model_of(config, dtype=torch.float32):
    torch.manual_seed(0)
    known = Qwen3Config(
        **config, num_key_value_heads=2, head_dim=32, vocab_size=300, tie_word_embeddings=True
    )
    return Qwen3ForCausalLM(known).to(dtype).train()


def hidden_of(model):
    """The last hidden states of packed rows of LENGTHS, as training computes them."""
    packing = Packing.of(LENGTHS, torch.device("cpu"))
    ids = torch.randint(300, (1, sum(LENGTHS)))
    with attention(model, "course_packed"):
        return model.model(
            input_ids=ids, position_ids=packing.positions, use_cache=False, packing=packing
        )[0]


def saved_bytes(model, precision, recompute):
    """Bytes of all that a forward pass saves for the backward pass, weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    sizes = {tuple(p.shape) for p in model.parameters()} | {
        tuple(p.shape[::-1]) for p in model.parameters()
    }
    seen = {}  # also keeps them alive, so that no storage comes twice

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights and tuple(tensor.shape) not in sizes:
            seen[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    half = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "float16")
    keep = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with recomputing(model, recompute), keep, half:
        hidden_of(model)
    return sum(size for size, _ in seen.values())


def test_a_shape_is_that_of_its_model():
    for config in SMALL:
        model = model_of(config)
        norms = sum(p.numel() for p in model.parameters() if p.dim() == 1)
        shape = Shape.of(model.config)
        assert shape.parameters == sum(p.numel() for p in model.parameters()) - norms
        assert shape.keys == 64 and shape.queries == 32 * config["num_attention_heads"]
    assert round(QWEN.parameters / 1e9, 3) == 0.596
    assert cache_bytes(QWEN, 1) == 114_688
    assert Shape.like_qwen3(0.6e9) == QWEN
    for parameters in (1e8, 1e9, 1.7e9, 4e9, 8e9):
        assert Shape.like_qwen3(parameters).parameters == pytest.approx(parameters, rel=0.04)


@pytest.mark.parametrize("config", SMALL, ids=["64", "96", "128"])
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_activations_are_what_a_forward_pass_saves(config, precision):
    """Within 15 %. On a CPU autocast takes bfloat16 for float16: as many bytes."""
    model = model_of(config, torch.bfloat16 if precision == "bfloat16" else torch.float32)
    by_hand = activation_bytes(Shape.of(model.config), sum(LENGTHS), precision)
    assert saved_bytes(model, precision, False) == pytest.approx(by_hand, rel=0.15)


@pytest.mark.parametrize("precision, between", [("float32", 4), ("bfloat16", 2)])
def test_recomputed_they_are_those_between_blocks(precision, between):
    model = model_of(SMALL[2], torch.float32 if precision == "float32" else torch.bfloat16)
    shape = Shape.of(model.config)
    found = saved_bytes(model, precision, True)
    last = 6 if precision == "bfloat16" else 8
    kept = (between * shape.layers + last) * shape.hidden * sum(LENGTHS)
    assert found == pytest.approx(kept, rel=0.15)
    # and one block at a time has what it would have kept
    block = activation_bytes(shape, sum(LENGTHS), precision) / shape.layers
    by_hand = activation_bytes(shape, sum(LENGTHS), precision, recompute=True)
    assert by_hand == pytest.approx(kept + block, rel=0.05)
    assert by_hand < 0.5 * activation_bytes(shape, sum(LENGTHS), precision)


class Live(TorchDispatchMode):
    """The most bytes of tensors that were alive at once inside the block."""

    def __init__(self, *held):
        super().__init__()
        self.now = self.most = 0
        self.known = weakref.WeakSet()
        for tensor in held:
            self.count(tensor)

    def count(self, tensor):
        storage = tensor.untyped_storage()
        if storage in self.known:
            return
        self.known.add(storage)
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.gone, storage.nbytes())

    def gone(self, size):
        self.now -= size

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor)
        return out


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_whole_step_takes_what_was_counted(precision, recompute):
    """Two parts of a step and AdamW: the most that is alive at once, within 15 %."""
    torch.manual_seed(0)
    config = Qwen3Config(
        hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, vocab_size=2000, tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen3ForCausalLM(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    targets = torch.randint(2000, (sum(LENGTHS),))

    def part():
        half = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "float16")
        with recomputing(model, recompute):
            with half:
                logits = model.lm_head(hidden_of(model)[0])
                loss = torch.nn.functional.cross_entropy(logits.float(), targets)
                del logits
            loss.backward()

    part()
    optimizer.step()  # the moments are there from now on
    states = [t for s in optimizer.state.values() for t in s.values()]
    gradients = [p.grad for p in model.parameters()]
    with Live(*model.parameters(), *states, *gradients) as live:
        part()
        optimizer.step()
    tokens = sum(LENGTHS)
    by_hand = training_memory(
        Shape.of(config), tokens, tokens, Savings(recompute=recompute), precision
    )
    assert live.most == pytest.approx(sum(by_hand.values()), rel=0.15)


def test_the_parts_of_a_training_step():
    parts = training_memory(QWEN, 1200, 800, held=2 * QWEN.parameters)
    each = {name: size / QWEN.parameters for name, size in parts.items()}
    assert (each["weights"], each["gradients"], each["Adam's moments"]) == (4, 4, 8)
    assert each["half-precision copy"] == 2 and "other models" not in parts
    assert parts["logits"] == logits_bytes(800, 151_936)
    simple = training_bytes(QWEN.parameters)
    assert all(parts[name] == simple[name] for name in ("weights", "gradients", "Adam's moments"))

    single = training_memory(QWEN, 1200, 800, precision="float32")
    assert "half-precision copy" not in single
    on_card = training_memory(QWEN, 1200, 800, Savings(resting=False), held=1e9)
    assert on_card["other models"] == 1e9
    bounded = training_memory(QWEN, 1200, 800, logits_at_once=441)
    assert bounded["logits"] == logits_bytes(441, 151_936)


def test_lora_trains_little_and_keeps_the_rest_in_half():
    peft = pytest.importorskip("peft")
    model = model_of(SMALL[2])
    lora = peft.get_peft_model(model, peft.LoraConfig(r=16, target_modules="all-linear"))
    shape = Shape.of(model.config)
    learns = sum(p.numel() for p in lora.parameters() if p.requires_grad)
    assert shape.adapter(16) == learns
    parts = training_memory(shape, 100, 50, Savings(lora=16))
    assert parts["weights"] == 2 * shape.parameters + 4 * learns
    assert parts["Adam's moments"] == 8 * learns
    assert QWEN.adapter(16) == pytest.approx(0.017 * QWEN.parameters, rel=0.02)


def test_sampling_holds_weights_keys_values_and_logits():
    parts = sampling_memory(QWEN, rows=256, tokens=320, prompts=16, prompt_tokens=700)
    assert parts["weights"] == 2 * QWEN.parameters
    assert parts["keys and values"] == (256 * 320 + 16 * 700) * 114_688
    assert parts["logits"] >= 4 * 256 * 151_936


@pytest.mark.parametrize("vocabulary, n, tokens", [(300, 16, 100), (20_000, 8, 50)])
def test_sampling_takes_what_was_counted(vocabulary, n, tokens):
    """All rows side by side: the most that is alive at once, within 15 %."""
    words = "what is the answer to this question"
    policy = tiny_policy([words], "qwen3", width=128, layers=4, heads=8, kv_heads=2, vocabulary=300)
    config = Qwen3Config(**{**policy.model.config.to_dict(), "vocab_size": vocabulary})
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(config).eval()
    policy = replace(policy, model=model, template="plain")
    prompts = [f"{words} {i}" for i in range(8)]
    how = {"n": n, "max_tokens": tokens, "temperature": 0.8, "memory_mb": 4000, "stop": [1]}
    with Live(*model.parameters()) as live:
        sample(policy, prompts, **how)
    longest = max(map(len, policy.encode(prompts)))
    by_hand = sampling_memory(Shape.of(config), 8 * n, tokens, 8, longest, size=4)
    assert live.most == pytest.approx(sum(by_hand.values()), rel=0.15)


def test_phases_are_those_parts_in_gigabytes():
    rows = phases(1e9, replies=2, reply_tokens=10)
    assert rows["sampling"] == {"weights": 2, "keys and values": 6000 * 2**20 / 1e9}
    rft, ppo = rows["RFT training"], rows["PPO (lesson 07)"]
    fixed = ("weights", "gradients", "Adam's moments", "half-precision copy")
    assert [rft[part] for part in fixed] == [4, 4, 8, 2]
    assert [ppo[part] for part in fixed] == [8, 8, 16, 2]
    assert rft["activations"] == ppo["activations"] > 0
    held = phases(1e9, savings=Savings(resting=False))
    assert held["RFT training"]["other models"] == 2
    assert held["PPO (lesson 07)"]["other models"] == 4
    # a T4 has 15.8 GB: it is the activations that decide
    whole = sum(phases(0.6e9)["RFT training"].values())
    again = sum(phases(0.6e9, savings=Savings(recompute=True))["RFT training"].values())
    assert 15 < whole < 15.8 and 12 < again < 13
    assert phases(QWEN)["sampling"]["weights"] == pytest.approx(1.192, abs=0.001)
