"""Lessons 09a and 09b: the stand-in, memory by hand, the forecast, interruptions, shards."""

import gc
import json
import re
import shutil
import tempfile
from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest
import torch

import course_lib as course
from course_lib import authoring
from course_lib.base import CourseError
from course_lib.classroom import plots, quiz
from course_lib.commands import doctor
from course_lib.estimators import (
    Savings,
    Shape,
    Stage,
    cache_bytes,
    forecast,
    logits_bytes,
    machine,
    phases,
    shards,
    timed,
    training_bytes,
    training_memory,
)
from course_lib.experiments import (
    Disconnected,
    counting,
    disconnect,
    find_gsm8k,
    is_held_out,
    job,
    sums,
    tier,
    write_sums,
)
from course_lib.experiments.standin import make_standin
from course_lib.methods import Request, Stages, rejection_sampling_rounds, rounds, sampled
from course_lib.methods import sft as finetuning
from course_lib.models import Sampling, new_reward_model, tiny_policy
from course_lib.worlds import equation_holds, equations, few_shot, verify


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """A folder with a few problems of the stand-in."""
    return write_sums(tmp_path_factory.mktemp("sums"), train=40, test=20)


@pytest.fixture(scope="module")
def policy(problems):
    """A tiny Qwen3 with random weights that reads plain text."""
    world = course.load_world("gsm8k", data=problems)
    questions, _ = world.prompts("train")
    return replace(tiny_policy(few_shot(questions), width=32, vocabulary=300), template="plain")


# ---- the stand-in's problems -------------------------------------------------------------------


def test_problems_are_right_and_read_as_gsm8k(problems):
    world = course.load_world("gsm8k", data=problems)
    questions, info = world.prompts("train")
    assert len(questions) == 40
    for about in info:
        assert verify(about["solution"], about["answer"]).status == "correct"
        assert len(equations(about["solution"])) == 2
        assert all(equation_holds(e, 0) for e in equations(about["solution"]))


def test_test_problems_have_other_numbers_and_no_question_twice():
    rows = {split: sums(split, 200) for split in ("pretraining", "train", "test")}

    def digits(row):
        return tuple(int(digit) for digit in re.findall(r"\d", row["question"]))

    numbers = {split: {digits(row) for row in part} for split, part in rows.items()}
    assert len(numbers["test"]) == 200 and all(is_held_out(n) for n in numbers["test"])
    assert not any(is_held_out(n) for split in ("pretraining", "train") for n in numbers[split])
    sets = {split: {tuple(sorted(n)) for n in part} for split, part in numbers.items()}
    assert not sets["test"] & (sets["pretraining"] | sets["train"]), "not in another order either"
    questions = [row["question"] for part in rows.values() for row in part]
    assert len(set(questions)) == 600
    assert sums("train", 50) == rows["train"][:50], (
        "a smaller file is the beginning of a larger one"
    )
    with pytest.raises(CourseError, match="problems to test on; got 900"):
        sums("test", 900)


def test_the_order_of_steps_varies():
    as_told = 0  # the first step begins with the number that is told first
    for row in sums("train", 60):
        first_step = equations(row["answer"])[0]
        as_told += first_step.split("+")[0] == re.search(r"\d", row["question"])[0]
    assert 5 < as_told < 55


def test_few_shot_prompts():
    assert few_shot(["What?"]) == ["Question: What?\nAnswer:"]
    assert few_shot(["What?"], [("Why?", "So.\n#### 1")]) == [
        "Question: Why?\nAnswer: So.\n#### 1\n\nQuestion: What?\nAnswer:"
    ]


def test_finding_the_files(tmp_path, monkeypatch, problems):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CourseError, match="git clone --depth 1 https://github.com/openai/grade-school-math"
    ):
        find_gsm8k()
    with pytest.raises(CourseError, match="has no train.jsonl and test.jsonl"):
        find_gsm8k(tmp_path)
    write_sums(tmp_path / "data" / "gsm8k", train=2, test=2)
    assert find_gsm8k().as_posix() == "data/gsm8k" and find_gsm8k(problems).as_posix() == problems


def test_the_job_of_a_gpu_names_the_real_models(problems):
    real = job(tier("t4"), None, data=problems)
    assert (real.policy, real.reward) == (tier("t4").policy, tier("t4").reward) and not real.standin
    assert real.shots == 4 and real.training.dtype == torch.float16 and real.part < real.prompts
    assert "\n\nQuestion:" in real.stop and real.n == tier("t4").n


def test_few_shot_sampling_trains_on_the_bare_question(policy, problems):
    world = course.load_world("gsm8k", data=problems)
    questions, info = world.prompts("train", limit=3)
    asked = few_shot(
        questions, [(q, i["solution"]) for q, i in zip(*world.prompts("train"), strict=True)][-1:]
    )
    pool = course.sample(policy, asked, n=2, max_tokens=4, stop=["<|endoftext|>"], info=info)
    pool = course.score(
        replace(pool, prompts=few_shot(questions)), lambda p, t, i: float(len(t)), "length"
    )
    examples = finetuning.selected_examples(policy, course.select_best(pool))
    assert [p for p, _ in examples] == policy.encode(few_shot(questions))
    stopped = course.sample(policy, asked, n=4, stop=["a", "e"], max_tokens=16)
    assert not any(set("ae") & set(text) for row in stopped.texts for text in row)


# ---- memory ------------------------------------------------------------------------------------


def test_training_bytes_are_those_of_a_real_step(policy):
    model = policy.copy().model.float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
    optimizer.step()
    by_hand = training_bytes(sum(p.numel() for p in model.parameters()))
    assert sum(p.nbytes for p in model.parameters()) == by_hand["weights"]
    assert sum(p.grad.nbytes for p in model.parameters()) == by_hand["gradients"]
    assert (
        sum(t.nbytes for s in optimizer.state.values() for t in s.values() if t.dim())
        == by_hand["Adam's moments"]
    )
    assert (
        sum(p.nbytes for p in policy.copy().model.half().parameters())
        == by_hand["policy that sampled"]
    )
    assert training_bytes(10, half=False)["policy that sampled"] == 40
    assert sum(training_bytes(0.6e9).values()) == pytest.approx(10.8e9)


@pytest.mark.parametrize("heads, kv_heads, layers", [(4, 2, 2), (4, 4, 3), (4, 1, 1)])
def test_cache_bytes_are_those_of_a_real_cache(heads, kv_heads, layers):
    policy = tiny_policy(
        ["some text"], width=32, heads=heads, kv_heads=kv_heads, layers=layers, vocabulary=300
    )
    cache = policy.model(input_ids=torch.arange(7)[None], use_cache=True).past_key_values
    assert sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers) == cache_bytes(
        policy.model.config, 7, size=4
    )


def test_phases_add_up():
    rows = phases(1e9, replies=2, reply_tokens=10)
    alone, ten = (training_memory(Shape.like_qwen3(1e9), k, 0, parameters=1e9) for k in (0, 220))
    logits = 4 * 20 * 151_936 * 3 / 1e9
    assert rows["sampling"] == {"weights": 2, "keys and values": 6000 * 2**20 / 1e9}
    assert sum(alone.values()) == pytest.approx(18e9)
    assert sum(rows["RFT training"].values()) == pytest.approx(sum(ten.values()) / 1e9 + logits)
    more = rows["PPO (lesson 07)"]
    assert more["weights"] == 2 * rows["RFT training"]["weights"] == 8
    held = phases(1e9, savings=Savings(resting=False))["RFT training"]["other models"]
    assert held == 2, "the policy that sampled, in half precision"


def test_logits_and_machine():
    assert logits_bytes(10, 100, copies=1) == torch.zeros(10, 100).nbytes
    facts = machine()
    assert facts["memory_gb"] > 0.5 and facts["disk_free_gb"] > 0


# ---- the forecast ------------------------------------------------------------------------------


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = rng.normal(10, 1, (3000, 3 + 20))
    inside = [
        (total := Stage("x", row[:3], 20).total).low <= row[3:].sum() <= total.high for row in draws
    ]
    assert 0.935 < np.mean(inside) < 0.965


def test_a_forecast_of_equal_parts_is_exact_and_stages_add():
    total = Stage("x", [2.0, 2.0, 2.0], 10).total
    assert (total.low, total.mean, total.high) == (20, 20, 20)
    a, b = Stage("a", [1.0, 2.0, 3.0], 10), Stage("b", [4.0, 4.4], 5)
    both = forecast([a, b])
    assert both.mean == pytest.approx(20 + 21) and both.n == 2
    assert (
        max(a.total.high - 20, b.total.high - 21)
        < both.high - both.mean
        < a.total.high - 20 + b.total.high - 21
    )


def test_stages_that_share_their_timings_are_wrong_together():
    a, b, c = (
        Stage("a", [1.0, 2.0, 3.0], 10),
        Stage("b", [1.0, 2.0, 3.0], 5),
        Stage("c", [1.0, 1.5, 3.0], 5),
    )
    half = [stage.total.high - stage.total.mean for stage in (a, b, c)]
    assert forecast([a, b]).high - forecast([a, b]).mean == pytest.approx(half[0] + half[1])
    assert forecast([c, a, b]).high - forecast([c, a, b]).mean == pytest.approx(
        ((half[0] + half[1]) ** 2 + half[2] ** 2) ** 0.5
    )


def test_a_forecast_needs_two_parts():
    with pytest.raises(CourseError, match="time at least 2 parts"):
        Stage("x", [1.0], 10)
    with pytest.raises(CourseError, match="nothing to forecast"):
        forecast([])
    seconds, value = timed(lambda: 7)
    assert value == 7 and seconds >= 0


# ---- a runtime that goes away ------------------------------------------------------------------


def reward(prompt, text, info):
    return float(len(text))


def test_a_run_that_was_interrupted_twice_ends_as_if_it_had_not_been(
    policy, problems, tmp_path, capsys
):
    questions, info = course.load_world("gsm8k", data=problems).prompts("train", limit=7)
    settings = dict(
        prompts=few_shot(questions),
        info=info,
        n=2,
        max_tokens=5,
        part=3,
        epochs=2,
        batch_size=2,
        checkpoint_every=1,
        seed=0,
    )
    whole = rejection_sampling_rounds(policy, reward=reward, **settings)[0]
    for during in ("sampling", "training"):
        with disconnect(during, after=2) as watch:
            rejection_sampling_rounds(
                policy, reward=reward, out=tmp_path, hooks=watch.hooks, **settings
            )
    assert (
        capsys.readouterr().out
        == "disconnected during sampling, after 2 parts\ndisconnected during training, "
        "after 2 steps\n"
    )
    # 7 replies in batches of 2, twice, are 8 steps, of which 2 are done
    with disconnect("training", after=6) as again:
        resumed = rejection_sampling_rounds(
            policy, reward=reward, out=tmp_path, hooks=again.hooks, **settings
        )[0]
    assert again.done == {"sampling": 0, "training": 6}
    assert "came to its end" in capsys.readouterr().out
    assert resumed.pool.texts == whole.pool.texts
    assert torch.equal(resumed.pool.tokens, whole.pool.tokens)
    for a, b in zip(
        whole.policy.model.state_dict().values(),
        resumed.policy.model.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_only_watched_work_is_counted_or_interrupted(policy):
    one = Request(["x"], None, Sampling(n=1, max_tokens=1))
    with counting() as watch:
        sampled(policy, one, hooks=watch.hooks)
        sampled(policy, one)
    assert watch.done == {"sampling": 1, "training": 0}
    with disconnect("sampling", after=0) as watch:
        sampled(policy, one, hooks=watch.hooks)
        pytest.fail("the block should have ended")
    assert watch["sampling"] == 0
    with pytest.raises(KeyError), disconnect("training", after=0):
        raise KeyError  # other errors pass
    assert issubclass(Disconnected, RuntimeError)
    with pytest.raises(CourseError, match="during must be"), disconnect("lunch", after=0):
        pass


def test_parts_are_kept_by_prompts_or_by_tokens(policy, tmp_path, monkeypatch):
    asked, sizes = [f"Question: {i}\nAnswer:" for i in range(250)], []
    real = rounds.sample

    def few(policy, prompts, settings, **rest):
        sizes.append(len(prompts))
        return real(policy, prompts, replace(settings, n=1, max_tokens=1), **rest)

    monkeypatch.setattr(rounds, "sample", few)
    for part, n, max_tokens in ((100, 16, 96), (None, 16, 96), (None, 16, 320), (None, 64, 8192)):
        sizes.append("|")
        prompts = asked[: 2 if n == 64 else 250]
        request = Request(prompts, None, Sampling(n=n, max_tokens=max_tokens), part)
        sampled(policy, request, Stages(tmp_path / f"{part} {max_tokens}"))
    assert sizes == ["|", 100, 100, 50, "|", 250, "|", 76, 76, 76, 22, "|", 1, 1]


# ---- several machines --------------------------------------------------------------------------


@pytest.mark.parametrize("count, workers", [(25, 2), (7, 7), (10, 3), (1, 1), (1319, 8)])
def test_shards_drop_nothing(count, workers):
    pieces = shards(count, workers)
    assert [i for a, b in pieces for i in range(a, b)] == list(range(count))
    assert max(b - a for a, b in pieces) - min(b - a for a, b in pieces) <= 1
    with pytest.raises(CourseError, match="workers must be between"):
        shards(count, count + 1)


def test_two_shards_are_the_single_run(policy):
    asked = [f"Question: {i}?\nAnswer:" for i in range(5)]
    alone = course.sample(policy, asked, n=3, max_tokens=6, seed=1)
    parts = [
        course.sample(policy, asked[a:b], n=3, max_tokens=6, seed=1, first_prompt=a)
        for a, b in shards(5, 2)
    ]
    assert course.Pool.concat(parts).texts == alone.texts
    unnumbered = [
        course.sample(policy, asked[a:b], n=3, max_tokens=6, seed=1) for a, b in shards(5, 2)
    ]
    assert course.Pool.concat(unnumbered).texts != alone.texts


# ---- a reward model without its head, a figure, versions, the quiz -----------------------------


def test_a_missing_head_is_refused(policy, tmp_path):
    from safetensors.torch import load_file, save_file

    new_reward_model(policy).save(tmp_path / "reward")
    assert course.load_reward_model(tmp_path / "reward").model.score.weight.abs().sum() > 0
    file = tmp_path / "reward" / "model.safetensors"
    save_file(
        {name: w for name, w in load_file(file).items() if "score" not in name},
        file,
        metadata={"format": "pt"},
    )
    with pytest.raises(CourseError, match="score.weight"):
        course.load_reward_model(tmp_path / "reward")


def test_the_memory_figure_says_what_it_shows(capsys):
    figure = plots.memory(
        {"sampling": {"policy": 1.2}, "training": {"policy": 1.2, "weights": 9.6}},
        15,
        "a T4",
        "Memory",
    )
    assert figure.summary == "Memory: sampling 1.2 GB; training 10.8 GB, against 15 GB, a T4."
    assert figure.summary in capsys.readouterr().out
    (axis,) = figure.axes
    assert axis.get_xlabel() == "GB (10⁹ bytes)" and axis.get_xlim()[1] > 15
    wide = [bar.get_paths()[0].get_extents().width for bar in axis.collections]
    assert sorted(round(each, 1) for each in wide) == [1.2, 1.2, 9.6]
    assert len(figure.png()) > 1000


@pytest.mark.parametrize(
    "found, old, new",
    [
        ({"transformers": "5.15.0", "torch": "2.11.0+cu128"}, [], []),
        ({"transformers": "4.57.1", "torch": "2.11.0+cu128"}, ["transformers is 4.57.1"], []),
        (
            {"transformers": "6.0.0", "torch": "2.5.1"},
            ["torch is 2.5.1"],
            ["transformers is 6.0.0"],
        ),
        ({"torch": "2.6.0"}, ["transformers is not installed"], []),
    ],
)
def test_versions_are_compared_with_our_own_bounds(monkeypatch, capsys, found, old, new):
    def version(name):
        if name not in found:
            raise metadata.PackageNotFoundError(name)
        return found[name]

    declared = ["torch>=2.6", "transformers<6,>=5", 'nbval>=0.11; extra == "dev"']
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: declared)
    below, above = doctor.unfit_versions()
    assert [line.split(",")[0] for line in below] == old
    assert [line.split(",")[0] for line in above] == new
    if old:
        with pytest.raises(CourseError, match="packages the course cannot use"):
            doctor.check_versions()
    else:
        doctor.check_versions()
    assert ("Newer than the course" in capsys.readouterr().out) == bool(new)


@pytest.mark.parametrize("lesson", ["09a", "09b"])
def test_the_quiz_does_not_give_itself_away(lesson):
    singles = [item for item in quiz.items(lesson) if item["kind"] == "single"]
    assert len(
        {next(k for k, o in enumerate(item["options"]) if o["right"]) for item in singles}
    ) == len(singles)
    for item in singles:
        right = next(len(o["text"]) for o in item["options"] if o["right"])
        assert right < max(len(o["text"]) for o in item["options"])


# ---- the saved pages ---------------------------------------------------------------------------


def cells_of(lesson):
    """The cells of a saved lesson."""
    (path,) = (authoring.ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def rows_of(lesson):
    """The lines of a saved page's outputs, spaces made one."""
    outputs = [o["data"] for c in cells_of(lesson) for o in c.get("outputs", []) if "data" in o]
    lines = "\n".join("".join(data.get("text/plain", "")) for data in outputs).splitlines()
    return [" ".join(line.split()) for line in lines]


def interval_in(rows, start):
    """(mean, low, high) of the first row that begins so and ends in an interval."""
    for row in rows:
        found = re.fullmatch(re.escape(start) + r":? ([+-]?[\d.]+) \[([^,]+), ([^\]]+)\]", row)
        if found:
            return tuple(float(part) for part in found.groups())
    raise AssertionError(f"no row {start!r}")


def test_the_saved_09a_shows_what_its_text_says():
    """Another number of threads gives other numbers, so the page itself asserts only the rest."""
    rows = rows_of("09a")
    text = "\n".join(rows)
    assert re.search(r"pass@k\) goes from 51 % at k = 1 to 96 % at k = 16", text)
    assert re.search(r"majority of k goes from 51 % at k = 1 to 73 % at k = 16", text)
    assert re.search(r"temperature 0 goes from 65 %", text)
    mean, low, _ = interval_in(rows, "temperature 0")
    assert mean == 9 and low > 0
    assert interval_in(rows, "one reply")[1] > 10
    heads = [float(m) for m in re.findall(r"(?:reward model|random head \d): ([\d.]+) \[", text)]
    assert len(heads) == 7 and min(heads) < 50 < max(heads) and 40 < min(heads) < max(heads) < 60
    (sound,) = re.findall(r"right replies: sound (\d+) %", text)
    assert 80 < int(sound) < 95


def test_the_saved_09b_shows_what_its_text_says():
    rows = rows_of("09b")
    text = "\n".join(rows)
    found = {
        name.strip(): [float(value) for value in values]
        for name, *values in re.findall(
            r"([\w ]+ minus [\w ]+): ([-\d.]+) \[([-\d.]+), ([-\d.]+)\]", text
        )
    }
    mean, low, _ = found["RFT minus random control"]
    assert round(mean) == 7 and low > 0
    for name in ("RFT minus base", "RFT minus human solutions"):
        assert found[name][1] < 0 < found[name][2], name
    assert found["random control minus base"][2] < 0
    cold = rows[rows.index("each at its best T: RFT minus … points") :]
    for other in ("base", "random control", "human solutions"):
        _, low, high = interval_in(cold, other)
        assert low < 0 < high, other
    shown = re.findall(r"(base|RFT) (\d+) \(T = 1\), (\d+) \(its best T\)", text)
    # the stored run on real weights has rows of these names, too
    (base, rft) = (tuple(map(int, values)) for _, *values in shown[:2])
    assert base[1] - rft[0] == 14


def stored_run(share=0.25):
    """A run on real weights as it is stored, with the same numbers everywhere."""
    value = {"mean": share, "low": share - 0.125, "high": share + 0.125, "level": 0.95, "n": 40}
    measures = ("pass@1", "pass@4", "majority of 4")
    found = {f"{what} {where}": value for what in measures for where in ("at 1", "at its T")}
    names = ("SFT", "SFT continued", "RFT", "random control")
    return {
        "asked": {"n_test": 4, "sft": 160, "problems": 96, "n": 8, "test": 64},
        "policies": {name: found for name in names},
        "differences": {"RFT minus random control": {"pass@1 at its T": value}},
        "weights": "Gemma 3 270M, dequantised from Q4_K_M",
        "device": "cpu",
        "by_seed": [{}],
        "versions": {"torch": "2.13.0"},
    }


@pytest.mark.parametrize("stored", [True, False])
def test_the_table_of_real_weights_is_the_stored_one_or_is_said_to_be_missing(
    stored, monkeypatch, capsys
):
    """The cells of that section alone, on a stored run made for this."""
    names = {}
    exec("import course_lib as course", names)
    for cell in cells_of("09b"):
        source = cell["source"]
        if cell["cell_type"] == "code" and "from course_lib.classroom import" in source:
            exec(source, names)

    def load(name):
        if not stored:
            raise CourseError(f"no stored result {name!r}")
        return stored_run()

    monkeypatch.setattr(names["results"], "load", load)
    sources = [c["source"] for c in cells_of("09b") if c["cell_type"] == "code"]
    first = next(k for k, source in enumerate(sources) if "def stored_run" in source)
    for source in sources[first : first + 4]:
        exec(source, names)
    text = str(names["told_of_it"])
    if not stored:
        assert "not in this copy" in text
        return
    assert "RFT minus random control   +25 [+12, +38]" in text.replace("+37", "+38")
    assert "Gemma 3 270M, dequantised from Q4_K_M" in text and "96 answered 8 times" in text
    assert "SFT, majority of 4 25 (T = 1), 25 (its best T)" in capsys.readouterr().out


# ---- nothing keeps a model alive ---------------------------------------------------------------


def copies_alive(model):
    """How many copies of a model's matrices are in memory: weights, gradients, moments."""
    shapes = {tuple(p.shape) for p in model.parameters() if p.dim() == 2}
    size = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    gc.collect()
    held = {}
    for thing in gc.get_objects():
        if issubclass(type(thing), torch.Tensor) and tuple(thing.shape) in shapes:
            held[thing.data_ptr()] = thing.numel()
            if thing.is_leaf and thing.grad is not None:
                held[thing.grad.data_ptr()] = thing.numel()
    return sum(held.values()) / size


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    """The stand-in as the lessons make it: the first to ask for it waits."""
    folder = tmp_path_factory.mktemp("standin")
    make_standin(folder)
    return folder


def walk(lesson, monkeypatch, folder, watched):
    """Run a lesson's cells one by one: {line of ``watched``: copies alive after its cell}.

    Its temporary folder is ``folder``.
    """
    monkeypatch.chdir(folder)
    real = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **how: real(**how) if how else str(folder))
    monkeypatch.setenv("COURSE_PROGRESS", str(folder / "progress.json"))
    names, alive = {}, {}
    for cell in cells_of(lesson):
        source = cell["source"]
        if cell["cell_type"] != "code" or "%pip" in source:
            continue
        exec(compile(source, lesson, "exec"), names)
        for line in watched:
            if line in source:
                alive[line] = copies_alive(names["policy"].model)
    assert set(alive) == set(watched)
    return alive


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesson, watched",
    [
        (
            "09a",
            {
                "files, equal_weights = saved_and_loaded": 1,  # the policy
                "firsts = {name: right_first": 1,
                "tokens, real = bytes_in_cache": 1,
                'quiz.ask("09a")': 1,
            },
        ),
        (
            "09b",
            {
                "steps = timed_steps": 1,
                'policies["base"] = policy': 4,  # three students, of which each rests
                "policies = None": 1,
                "counted = held_while_training": 1,
                'quiz.ask("09b")': 1,
            },
        ),
    ],
)
def test_no_name_keeps_a_model_that_is_done(lesson, watched, monkeypatch, tmp_path, standin):
    """A loop variable or an exhausted zip that holds weights or moments would be gigabytes."""
    shutil.copytree(standin, tmp_path, dirs_exist_ok=True)
    alive = walk(lesson, monkeypatch, tmp_path, watched)
    assert alive == pytest.approx(watched)
