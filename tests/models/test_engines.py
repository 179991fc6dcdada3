"""The engines of sampling: windows, sinks, fused parts, captured steps, memory that runs out."""

import pytest
import torch
from architectures import tiny
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib.base import CourseError
from course_lib.models import proving, room, sample, sampling
from course_lib.models.decoding import CapturedEngine, FusedEngine, SharedPrefixEngine
from course_lib.models.drawing import LARGE, draw
from course_lib.models.fused import Groups, efficient_part, flash_part, joined, plain_part
from course_lib.models.proving import engine_class

PROMPTS = ["the cat sat on the mat, and 12 + 30 = 42", "12 + 30 = ", "a b c d e f g h", "the"]
WINDOWED = {
    "gemma3_text": dict(
        num_hidden_layers=3,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        sliding_window=6,
    ),
    "gpt_oss": dict(sliding_window=5),
    "mistral": dict(sliding_window=9),
    "llama": {},
}
CLASSES = list(WINDOWED)


class Recorded(TorchDispatchMode):
    """What a CUDA graph does, on the CPU: the operations of one call, with the tensors they had.

    Numbers of Python are recorded as they were, and a number read back is an error.
    """

    def __init__(self):
        super().__init__()
        self.done = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if "_local_scalar_dense" in str(function) or "nonzero" in str(function):
            raise RuntimeError(f"{function} reads a number back from the device")
        out = function(*args, **(kwargs or {}))
        self.done.append((function, args, kwargs or {}, out))
        return out

    def replay(self):
        for function, args, kwargs, out in self.done:
            new = function(*args, **kwargs)
            olds = out if isinstance(out, tuple | list) else [out]
            news = new if isinstance(new, tuple | list) else [new]
            for old, fresh in zip(olds, news, strict=True):
                same = isinstance(old, torch.Tensor) and old.data_ptr() != fresh.data_ptr()
                if same:
                    old.copy_(fresh)


def recorded(step):
    """A step recorded as :func:`~course_lib.models.captured.cuda_graph` does: it is not run."""
    recorder, first = Recorded(), []

    def replay():
        if not first:  # recording runs it here, so the first replay is that run
            with recorder:
                first.append(step())
        else:
            recorder.replay()
        return first[0]

    return replay


class OnCpuFused(FusedEngine):
    part_of = staticmethod(lambda model: plain_part)


class OnCpuCaptured(CapturedEngine):
    part_of = staticmethod(lambda model: plain_part)
    record = staticmethod(recorded)


def use(monkeypatch, engine):
    """Sampling with ``engine``, whatever was found to be right."""
    monkeypatch.setattr(sampling, "new_engine", lambda policy, ids: engine(policy, ids))


def settings(**changes):
    return dict(n=3, max_tokens=24, temperature=0.9, seed=5) | changes


@pytest.mark.parametrize("name", CLASSES)
def test_a_window_sees_what_the_model_itself_sees(name):
    """Prompts and replies are longer than the window; a plain pass says what is right."""
    policy = tiny(name, **WINDOWED[name])
    assert engine_class(policy) is SharedPrefixEngine
    pool = sample(policy, PROMPTS, **settings())
    far = 0
    for prompt, rows, logps in zip(
        policy.encode(PROMPTS), pool.tokens.tolist(), pool.logprobs, strict=True
    ):
        for row, logp in zip(rows, logps, strict=True):
            row = [token for token in row if token >= 0]
            with torch.inference_mode():
                logits = policy.model(input_ids=torch.tensor([prompt + row])).logits[0]
            own = logits.log_softmax(-1)[len(prompt) - 1 : -1]
            own = own[torch.arange(len(row)), torch.tensor(row)]
            torch.testing.assert_close(logp[: len(row)], own, atol=2e-3, rtol=2e-3)
            far += len(row) > 10
    assert far > 3


@pytest.mark.parametrize("engine", [OnCpuFused, OnCpuCaptured])
@pytest.mark.parametrize("name", CLASSES)
def test_the_ways_of_a_gpu_give_the_same_replies(name, engine, monkeypatch):
    """With plain operations in the kernels' place, and rows that are dropped on the way."""
    policy = tiny(name, **WINDOWED[name])
    stop = {"stop": [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]}
    wanted = sample(policy, PROMPTS, **settings(n=8, **stop))
    assert len(set(wanted.lengths.flatten().tolist())) > 5
    use(monkeypatch, engine)
    got = sample(policy, PROMPTS, **settings(n=8, **stop))
    assert got.tokens.tolist() == wanted.tokens.tolist()
    torch.testing.assert_close(got.logprobs, wanted.logprobs, atol=1e-4, rtol=1e-3)


def test_a_step_that_reads_a_number_back_is_noticed():
    """The recorder of these tests can fail: what a graph could not capture is an error."""
    replay = recorded(lambda: torch.zeros(int(torch.ones(1))))
    with pytest.raises(RuntimeError, match="reads a number back"):
        replay()


@pytest.mark.parametrize("engine", [OnCpuFused, OnCpuCaptured])
def test_the_trial_finds_the_ways_of_a_gpu_right_and_a_wrong_kernel_wrong(engine, monkeypatch):
    def halved(query, key, value, groups, seen, scale):
        return plain_part(query, key, value, groups, seen, scale / 2)

    monkeypatch.setattr(proving, "ENGINES", (engine, *proving.ENGINES))
    assert engine_class(tiny("llama")) is engine
    monkeypatch.setattr(engine, "part_of", staticmethod(lambda model: halved))
    policy = tiny("llama")
    assert engine_class(policy) is SharedPrefixEngine
    assert "off by" in proving._proofs[policy.model].reasons[engine.__name__]


@pytest.mark.parametrize("part", [flash_part, efficient_part])
def test_the_kernels_take_these_shapes(part):
    """On the meta device, which knows an operator's arguments and shapes and computes nothing."""
    groups = Groups.of(torch.tensor([2, 6, 4], device="meta"), 6, 16)
    query = torch.empty(12, 2, 8, dtype=torch.float16, device="meta")
    keys = torch.empty(48, 2, 8, dtype=torch.float16, device="meta")
    seen = torch.empty(3, dtype=torch.int32, device="meta")
    out, total = part(query, keys, keys, groups, seen, 0.3)
    assert out.shape == (12, 2, 8) and total.shape == (12, 2)


def test_two_parts_joined_are_one_softmax():
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(6, 2, 8, generator=generator)
    keys = torch.randn(2 * 10, 2, 8, generator=generator)
    values = torch.randn(2 * 10, 2, 8, generator=generator)
    sinks = torch.randn(6, 2, generator=generator)
    both = Groups.of(torch.tensor([3, 3]), 3, 10)
    whole, total = plain_part(query, keys, values, both, torch.tensor([10, 10]), 0.5)

    half = Groups.of(torch.tensor([3, 3]), 3, 5)
    parts = []
    for cut in (slice(0, 5), slice(5, 10)):
        k, v = (x.view(2, 10, 2, 8)[:, cut].reshape(10, 2, 8) for x in (keys, values))
        parts += plain_part(query, k, v, half, torch.tensor([5, 5]), 0.5)
    torch.testing.assert_close(joined(*parts), whole)
    # a sink takes its share of the total and gives nothing
    share = total.exp() / (total.exp() + sinks.exp())
    torch.testing.assert_close(joined(*parts, sinks), whole * share[..., None])


@pytest.mark.parametrize("every", [1, 3, 16])
def test_the_host_may_look_seldom(every, monkeypatch):
    """Stops by token and by text are found late, and nothing stays of what came after."""
    policy = tiny("llama")
    ends = settings(n=8, stop=["t", "1", 3, 4, 5])
    wanted = sample(policy, PROMPTS, **ends)
    monkeypatch.setitem(sampling.LOOKS_EVERY, "cpu", every)
    got = sample(policy, PROMPTS, **ends)
    assert got.texts == wanted.texts
    assert torch.equal(got.tokens, wanted.tokens)
    assert torch.equal(got.finish, wanted.finish)
    torch.testing.assert_close(got.logprobs, wanted.logprobs, atol=1e-5, rtol=1e-4)
    assert 0 < int((wanted.finish == 0).sum()) < wanted.finish.numel()


def test_when_memory_runs_out_a_chunk_is_halved(monkeypatch):
    """The same candidates, none twice, and the bar ends where it should."""
    policy = tiny("llama")
    wanted = sample(policy, PROMPTS, **settings(n=5))
    tried = []

    class Small(SharedPrefixEngine):
        def start(self, rows_per_prompt, max_tokens):
            rows = len(self.lengths) * rows_per_prompt
            tried.append(rows)
            if rows > 3:
                raise torch.OutOfMemoryError("a small card")
            return super().start(rows_per_prompt, max_tokens)

    use(monkeypatch, Small)
    got = sample(policy, PROMPTS, **settings(n=5))
    assert got.texts == wanted.texts
    assert tried[0] == 20 and sum(rows for rows in tried if rows <= 3) == 20


def test_memory_for_not_even_one_row_is_said(monkeypatch):
    class Full(SharedPrefixEngine):
        def start(self, rows_per_prompt, max_tokens):
            raise torch.OutOfMemoryError("a full card")

    use(monkeypatch, Full)
    with pytest.raises(CourseError, match="single candidate"):
        sample(tiny("llama"), PROMPTS, n=2, max_tokens=4)


def test_room_follows_windows_budget_and_what_is_free(monkeypatch):
    free = tiny("mistral", sliding_window=None)
    narrow = tiny("mistral", sliding_window=10)
    # 2 layers × 2 sides × 2 heads × 8 numbers × 4 bytes × 1.5 for each token that is kept
    a_token = 2 * 2 * 2 * 8 * 4 * 1.5
    difference = room.bytes_per_row(free, 100) - room.bytes_per_row(narrow, 100)
    assert difference == 90 * a_token
    one = room.bytes_per_row(free, 100) / 2**20
    assert room.rows_at_once(free, 100, 7.5 * one) == 7
    assert room.rows_at_once(free, 100, 0) == 1
    assert room.rows_at_once(free, 100) == int(384 / one)
    with pytest.raises(CourseError, match="single candidate"):
        room.halved(1)


def test_on_a_gpu_a_candidate_takes_its_share_of_its_prompt(monkeypatch):
    policy = tiny("llama")
    each = room.bytes_per_row(policy, 10)
    prompt = room.kept_bytes(policy, 40)
    assert prompt == 2 * 2 * 2 * 8 * 40 * 4  # layers, sides, heads, numbers, tokens, bytes
    monkeypatch.setattr(type(policy), "device", torch.device("cuda"))
    each -= room.kept_bytes(policy, 10) * 1.5 - int(room.kept_bytes(policy, 10) * 1.15)
    monkeypatch.setattr(room, "free_bytes", lambda device: 20 * (each + prompt // 4) / room.SHARE)
    assert room.rows_at_once(policy, 10, None, 40, 4) == 20
    assert room.rows_at_once(policy, 10, None) > 20


def test_free_memory_of_a_gpu_is_what_this_process_may_take(monkeypatch):
    cuda = torch.cuda
    monkeypatch.setattr(cuda, "mem_get_info", lambda device: (6000, 16000))
    monkeypatch.setattr(cuda, "memory_allocated", lambda device: 3000)
    monkeypatch.setattr(cuda, "memory_reserved", lambda device: 3500)
    monkeypatch.setattr(cuda, "get_per_process_memory_fraction", lambda device: 1.0)
    assert room.free_bytes(torch.device("cuda")) == 6500
    monkeypatch.setattr(cuda, "get_per_process_memory_fraction", lambda device: 0.5)
    assert room.free_bytes(torch.device("cuda")) == 5000


@pytest.mark.parametrize("vocabulary", [LARGE + 4, 5003, 8192])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_a_large_vocabulary_is_searched_by_blocks(vocabulary, temperature):
    """Blocks that divide it and blocks that do not: where a float64 sum passes the uniform."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(64, vocabulary, generator=generator) * 3
    logits[:, 100:700] = float("-inf")  # whole blocks without weight
    logits[0] = float("-inf")
    logits[0, 2000] = 0.0  # one token only
    u = torch.rand(64, generator=generator, dtype=torch.float64)
    u[0], u[1], u[2] = 0.999999999, 0.0, 1 - 2**-53
    token, logp, logq = draw(logits, u, temperature)
    weights = (logits.double() / temperature).softmax(-1)
    cdf = weights.cumsum(-1)
    after = cdf.gather(1, token[:, None])[:, 0]
    own = weights.gather(1, token[:, None])[:, 0]
    # logits are float32, so places in the sum are right to about six digits
    assert bool((after - own <= u + 1e-6).all() and (u <= after + 1e-6).all())
    assert bool((own > 0).all())
    last = vocabulary - 1 - weights.flip(-1).gt(0).int().argmax(-1)
    assert token[0] == 2000 and token[1] == 0 and token[2] == last[2]
    torch.testing.assert_close(logq, own.log().float(), atol=1e-4, rtol=1e-4)


def test_half_precision_draws_from_float32_sums():
    logits = torch.zeros(2, 8192, dtype=torch.bfloat16)
    u = torch.tensor([0.25, 0.75], dtype=torch.float64)
    token, logp, _ = draw(logits, u)
    assert token.tolist() == [2048, 6144]
    torch.testing.assert_close(logp, torch.full((2,), -9.0109), atol=1e-3, rtol=0)


def test_every_engine_says_when_a_batch_gets_smaller():
    """The captured one later, since each size is captured anew."""
    assert all(0 < engine.drops_below < 1 for engine in [*proving.ENGINES][:-1])
    assert CapturedEngine.drops_below < SharedPrefixEngine.drops_below
