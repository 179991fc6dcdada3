"""Packed rows: windows, sinks, and a fused kernel's place, taken here by plain operations."""

import inspect

import pytest
import torch
from architectures import tiny
from torch.nn.attention.varlen import varlen_attn

from course_lib.methods import sft_loss
from course_lib.models import packing as packing_file
from course_lib.models import variable
from course_lib.models.loading import drops
from course_lib.models.packing import Packing, blocks_of, packed_attention
from course_lib.models.proving import packs
from course_lib.models.sharing import shared_tokens
from course_lib.models.variable import Kernel, first_right, plain, ways

CPU = torch.device("cpu")
WINDOW = 4
SLIDING = {
    "gemma3_text": {"num_hidden_layers": 6, "sliding_window_pattern": 3},
    "mistral": {},
    "gpt_oss": {},
    "cohere2": {"num_hidden_layers": 4},
    "exaone4": {"num_hidden_layers": 4},
    "olmo3": {"num_hidden_layers": 4},
    "qwen3": {"use_sliding_window": True, "max_window_layers": 1},
}


def stand_in(
    query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None,
    window_size=(-1, -1),
):  # fmt: skip
    """torch 2.11's ``varlen_attn``, causal, in plain operations."""
    assert torch.equal(cu_seq_q, cu_seq_k) and cu_seq_q.dtype == torch.int32
    assert query.shape[0] == key.shape[0] == value.shape[0] == cu_seq_q[-1]
    lengths = cu_seq_q.diff().tolist()
    assert max_q == max_k == max(lengths)
    before, after = window_size
    assert after == 0
    window = None if before == -1 else before + 1
    return plain(query, key, value, tuple(lengths), scale, window)


def with_flag(*args, enable_gqa=False, **kwargs):
    """The same with the flag of torch 2.13, without which grouped heads are refused."""
    if not enable_gqa and args[0].shape[1] != args[1].shape[1]:
        raise ValueError("try enable_gqa=True")
    return stand_in(*args, **kwargs)


def equal_heads_only(*args, **kwargs):
    """One that takes no grouped heads at all."""
    if args[0].shape[1] != args[1].shape[1]:
        raise RuntimeError("as many key heads as query heads")
    return stand_in(*args, **kwargs)


def without_gradient_of_keys(query, key, value, *args, **kwargs):
    return stand_in(query, key.detach() + 0 * key, value, *args, **kwargs)


def without_window(*args, window_size, **kwargs):
    return stand_in(*args, window_size=(-1, window_size[1]), **kwargs)


def examples_of(policy):
    """Prompts and replies of several lengths, most of them longer than the window."""
    prompts = policy.encode(["the cat sat on", "12 + 30 = ", "a"])
    replies = policy.encode_responses(["sat on the mat, the mat, the mat", "42", "b"])
    examples = list(zip(prompts, replies, strict=True))
    assert max(len(p) + len(r) for p, r in examples) > 3 * WINDOW
    return examples


def loss_and_gradient(policy, examples):
    parameters = list(policy.model.parameters())
    for parameter in parameters:
        parameter.grad = None
    loss, _ = sft_loss(policy, examples)
    loss.backward()
    return loss.detach(), {
        name: p.grad.clone() for name, p in policy.model.named_parameters() if p.grad is not None
    }


def each_alone(policy, examples):
    """Loss and gradient by the model's own pass over one row at a time, in its eager attention."""
    model = policy.model
    model.set_attn_implementation("eager")
    for parameter in model.parameters():
        parameter.grad = None
    loss = 0.0
    for prompt, reply in examples:
        logits = model(input_ids=torch.tensor([prompt + reply]), use_cache=False).logits[0]
        own = logits[len(prompt) - 1 : -1]
        loss = loss + torch.nn.functional.cross_entropy(own, torch.tensor(reply), reduction="sum")
    loss.backward()
    return loss.detach(), {
        name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None
    }


def assert_same(one, other):
    torch.testing.assert_close(one[0], other[0], atol=1e-4, rtol=1e-4)
    assert one[1].keys() == other[1].keys()
    for name, wanted in other[1].items():
        got = one[1][name]
        assert float((got - wanted).norm()) <= 1e-3 * float(wanted.norm()) + 1e-5, name


@pytest.mark.parametrize("name", SLIDING)
def test_packed_rows_keep_to_the_layers_windows(name):
    policy = tiny(name, sliding_window=WINDOW, **SLIDING[name])
    kinds = policy.model.config.layer_types if name != "mistral" else ["sliding_attention"]
    assert "sliding_attention" in kinds
    assert packs(policy.model)
    examples = examples_of(policy)
    got = loss_and_gradient(policy, examples)
    assert_same(got, each_alone(policy, examples))
    wide = tiny(name, sliding_window=100, **SLIDING[name])
    with pytest.raises(AssertionError):  # a window counts
        assert_same(loss_and_gradient(wide, examples), got)


def test_sinks_learn():
    policy = tiny("gpt_oss", sliding_window=WINDOW)
    _, gradient = loss_and_gradient(policy, examples_of(policy))
    sinks = [g for name, g in gradient.items() if name.endswith("sinks")]
    assert len(sinks) == 2 and all(bool((g != 0).all()) for g in sinks)


def test_a_band_is_the_last_tokens_itself_included():
    packing = Packing.of([4, 2], CPU)
    band = packing.band(2, 4).int().tolist()
    assert band == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert torch.equal(packing.band(None, 3), torch.ones(3, 3).tril().bool())
    assert packing.ends.tolist() == [0, 4, 6]
    assert packing.positions.tolist() == [[0, 1, 2, 3, 0, 1]]


def test_sequences_of_one_length_share_a_block():
    assert blocks_of([9, 8, 7, 6, 5, 4]) == [(4, 9), (2, 5)]
    assert blocks_of([9, 1]) == [(2, 9)]  # too few for two
    assert blocks_of([6, 6, 6, 6, 5, 4]) == [(6, 6)]  # hardly padded
    lengths = [5, 9, 1, 8, 7, 4, 6]
    packing = Packing.of(lengths, CPU)
    assert packing.blocks == [(4, 9), (3, 5)] and packing.longest == 9
    x = torch.randn(1, 2, sum(lengths), 3, requires_grad=True)
    blocks = packing.padded(x)
    assert [block.shape for block in blocks] == [(4, 2, 9, 3), (3, 2, 5, 3)]
    first = blocks[0][1]  # the second longest, of 8 tokens: the fourth given
    torch.testing.assert_close(first[:, :8], x[0, :, 15:23])
    assert not first[:, 8:].any()
    back = packing.packed(blocks)
    torch.testing.assert_close(back[0], x[0].transpose(0, 1))
    towards = torch.randn_like(back)
    (gradient,) = torch.autograd.grad(back, x, towards)
    torch.testing.assert_close(gradient[0], towards[0].transpose(0, 1))


@pytest.mark.parametrize("function", [stand_in, with_flag, equal_heads_only])
@pytest.mark.parametrize("name", ["qwen3", "gemma3_text", "mistral"])
def test_a_kernel_gets_what_it_needs(monkeypatch, name, function):
    """A whole model reads the same with a kernel's stand-in as with padded attention."""
    policy = tiny(name, sliding_window=WINDOW, **SLIDING[name])
    examples = examples_of(policy)
    expected = loss_and_gradient(policy, examples)
    seen = []

    def found(query, key, value, windowed):
        case = ("cpu", query.dtype, query.shape[1], key.shape[1], query.shape[3], windowed)
        kernel, why = first_right(function, case)
        assert kernel is not None and not why
        seen.append(windowed)
        return kernel

    monkeypatch.setattr(packing_file, "variable_length", found)
    assert_same(loss_and_gradient(policy, examples), expected)
    assert len(set(seen)) == (1 if name == "mistral" else 2)


@pytest.mark.parametrize(
    ("function", "windowed", "why"),
    [
        (without_gradient_of_keys, False, "gradients of keys were off by 100.0%"),
        (without_window, True, "values were off"),
        (lambda *args, **kwargs: None, False, "AttributeError when it was tried"),
    ],
)
def test_a_kernel_that_is_wrong_is_left(function, windowed, why):
    kernel, said = first_right(function, ("cpu", torch.float32, 4, 2, 8, windowed))
    assert kernel is None and why in said


def test_the_ways_of_the_installed_kernel():
    """Every argument that is used is one of this torch's own function."""
    known = inspect.signature(varlen_attn).parameters
    assert {"scale", "window_size"} <= set(known)
    assert list(known)[:7] == list(inspect.signature(stand_in).parameters)[:7]
    assert list(ways(stand_in, grouped=True)) == ["bare", "repeated"]
    assert list(ways(with_flag, grouped=True)) == ["flag", "bare", "repeated"]
    assert list(ways(with_flag, grouped=False)) == ["bare"]


def test_there_is_no_kernel_on_a_cpu():
    rows = torch.zeros(1, 2, 5, 8, dtype=torch.bfloat16)
    assert variable.variable_length(rows, rows, rows, False) is None


def test_autocast_reaches_the_kernel(monkeypatch):
    """Queries and keys leave a norm in float32; a kernel gets them as autocast wants them."""
    policy = tiny("qwen3")
    dtypes = set()

    def found(query, key, value, windowed):
        dtypes.update(x.dtype for x in (query, key, value))
        return Kernel(with_flag, "flag")

    monkeypatch.setattr(packing_file, "variable_length", found)
    packing = Packing.of([3, 2], CPU)
    rows = [torch.randn(1, heads, 5, 8) for heads in (4, 2, 2)]
    layer = policy.model.model.layers[0].self_attn
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, _ = packed_attention(layer, *rows, None, packing, scaling=0.5)
    assert dtypes == {torch.bfloat16} and out.dtype == torch.bfloat16
    assert out.shape == (1, 5, 4, 8)


# ---- beginnings that are read once -------------------------------------------------------------


def test_a_common_beginning_is_there_once():
    rows = [[1, 2, 3, 4], [1, 2, 5], [9, 9, 9], [1, 2, 3, 7], [1, 2, 3, 4]]
    owner, first = shared_tokens(rows)
    flat = torch.tensor([token for row in rows for token in row])
    assert torch.equal(flat[first][owner], flat)
    assert len(first) == 4 + 1 + 3 + 1  # the last row is the first again
    packing, ids = Packing.of_rows(rows, CPU, share=True)
    assert ids[0].tolist() == flat[first].tolist()
    columns = torch.cat([torch.arange(len(row)) for row in rows])
    assert packing.positions[0].tolist() == columns[first].tolist()
    places = torch.tensor([3, 17])  # the last token of the first row, and of the last
    assert len(set(packing.of_sequences(places).tolist())) == 1
    assert shared_tokens([[1, 2, 3, 4, 5, 6, 7], [1, 9, 9, 9, 9, 9, 9]]) is None
    assert Packing.of_rows(rows, CPU, share=False)[1].shape == (1, 18)


@pytest.mark.parametrize("kernel", [False, True])
@pytest.mark.parametrize("name", ["llama", "gemma3_text", "gpt_oss"])
def test_a_prompt_read_once_gives_every_reply_its_loss_and_gradient(monkeypatch, name, kernel):
    window = {} if name == "llama" else {"sliding_window": WINDOW, **SLIDING[name]}
    policy = tiny(name, **window)
    prompt, other = policy.encode(["the cat sat on the mat, the mat", "12 + 30 ="])
    replies = policy.encode_responses(["sat on the mat", "42", "sat on the cat"])
    examples = [(prompt, reply) for reply in replies] + [(other, replies[1])]
    rows = [p + r for p, r in examples]
    packing, ids = Packing.of_rows(rows, CPU, share=True)
    assert ids.shape[1] < 0.7 * sum(map(len, rows))
    if kernel:
        monkeypatch.setattr(
            packing_file, "variable_length", lambda *given: Kernel(with_flag, "flag")
        )
    assert_same(loss_and_gradient(policy, examples), each_alone(policy, examples))


def test_nothing_is_shared_while_dropout_drops():
    """Each example has its own, as the library's own pass gives it."""
    policy = tiny("gpt2", resid_pdrop=0.5)
    assert not drops(policy.model)
    policy.model.train()
    assert drops(policy.model)
    assert not drops(tiny("llama").model.train())
    assert drops(tiny("llama", attention_dropout=0.1).model.train())
