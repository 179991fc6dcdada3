"""A plan's arithmetic: by hand, by the model's own count, and against what runs really cost."""

import json
import math

import pytest

import course_lib as course
from course_lib import assets
from course_lib.base import Account, CourseError, flops_per_token, read_json
from course_lib.estimators import Shape
from course_lib.models import projection
from course_lib.models.room import CPU_MB
from course_lib.scale import planning, telling
from course_lib.scale.catalogue import GPUS, MODELS, gpu_named, model_named
from course_lib.scale.measured import measured_rates, read_rates
from course_lib.scale.output import write_pools
from course_lib.scale.planning import plan
from course_lib.scale.plans import Cards, Efficiency, Work
from course_lib.scale.rates import Measured, Rate, Rates
from course_lib.scale.storage import density_of
from course_lib.scale.telling import told

H100, CPU = gpu_named("h100"), gpu_named("cpu")
POLICY, REWARD = "helpdesk/policy", "helpdesk/reward-8000"


def near(actual, share=0.3):
    """Within 30 % of what came."""
    return pytest.approx(actual, rel=share)


# ---- what is looked up


@pytest.mark.parametrize(
    ("size", "parameters"),
    [  # of the models' cards on the hub
        ("0.6B", 0.596e9),
        ("1.7B", 1.72e9),
        ("4B", 4.02e9),
        ("8B", 8.19e9),
        ("14B", 14.8e9),
        ("32B", 32.8e9),
        ("Llama-3.1-8B", 8.03e9),
        ("70B", 70.6e9),
    ],
)
def test_shapes_have_the_parameters_that_were_published(size, parameters):
    assert model_named(size).shape.parameters == pytest.approx(parameters, rel=0.005)


def test_a_model_by_size_name_owner_or_folder(tmp_path):
    assert model_named("8b") == model_named("Qwen3-8B") == model_named("Qwen/Qwen3-8B")
    for name in ("Qwen/Qwen3-8B-Base", "Skywork/Skywork-Reward-V2-Qwen3-8B"):
        assert model_named(name) == model_named("8B")
    llama = model_named("meta-llama/Meta-Llama-3.1-8B-Instruct")
    assert llama.shape.layers == 32 and llama.shape != model_named("8B").shape
    other = model_named("3B")
    assert "proportions" in other.source
    assert other.shape.parameters == pytest.approx(3e9, rel=0.1)
    folder = assets.path(POLICY)
    assert (
        model_named(str(folder)).shape
        == model_named(POLICY).shape
        == Shape(3, 128, 384, 4, 2, 32, 466, True)
    )
    for bad in ("eight", "8 B", "8", "", "0B", "5T", str(tmp_path)):
        with pytest.raises(CourseError):
            model_named(bad)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CourseError):
        model_named(str(tmp_path))


def test_folders_that_a_plan_would_count_wrongly(tmp_path):
    """A mixture of experts has many more weights than its shape says; an adapter has no shape."""
    config = {"model_type": "qwen3_moe", "num_experts": 128, "moe_intermediate_size": 768}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CourseError, match="mixture of experts"):
        model_named(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text('{"r": 16}', encoding="utf-8")
    with pytest.raises(CourseError, match="holds an adapter"):
        model_named(str(tmp_path))


def test_operations_of_a_token_are_those_of_the_account():
    policy = course.load_policy(assets.path(POLICY))
    reward = course.load_reward_model(assets.path(REWARD))
    assert model_named(POLICY).flops() == flops_per_token(policy.model)
    assert model_named(REWARD).flops(scores=True) == flops_per_token(reward.model)


def test_gpus_by_name():
    assert gpu_named("H100") is GPUS["h100"]
    # a data sheet's numbers with sparsity are twice as large
    assert H100.flops == 989e12 and GPUS["a100"].flops == 312e12
    with pytest.raises(CourseError, match="t4, l4, a10, a100, h100, h200, cpu"):
        gpu_named("b300")


# ---- by hand


def test_one_gpu_by_hand():
    model, work = model_named("8B"), Work(1000, 16, 512, 100)
    made = plan(model, work, Cards(H100), model)
    assert [stage.tokens for stage in made.stages] == [8_192_000, 16_000 * 612, 1000 * 612]
    weights, token = (
        2 * 8_190_427_136,
        2 * 36 * 8 * 128 * 2,
    )  # bytes; of one token's keys and values
    row = token * (512 + 100 / 16) + 16 * 151_936
    rows = int((0.9 * 80e9 - weights) / row)
    sampling = made.stage("sample")
    assert sampling.memory["weights"] == weights
    assert sampling.memory["keys, values and logits"] == pytest.approx(rows * row)
    # a step reads all matrices but the embedding, and half of what the replies will hold
    read = weights - 2 * 151_936 * 4096
    step = read + rows * (token * (256 + 100 / 16) + 16 * 151_936)
    steps = 16_000 / rows * 512
    assert sampling.moved == pytest.approx(step * steps)
    once = read + 4 * 36 * 4096 * (100 + 256)  # operations of a token: 2 a weight, and attention
    asked = 100_000 * (read + 4 * 36 * 4096 * 50)
    assert sampling.flops == pytest.approx(rows * steps * once + asked)
    slower = max(step / (3350e9 * 0.5), rows * once / (989e12 * 0.4))
    assert sampling.seconds == pytest.approx(steps * slower + asked / (989e12 * 0.4))
    layers = read - 2 * 151_936 * 4096
    scoring = made.stage("score")
    assert scoring.flops == pytest.approx(9_792_000 * (layers + 2 * 4096 + 4 * 36 * 4096 * 306))
    assert scoring.seconds == pytest.approx(scoring.flops / (989e12 * 0.4))
    # 18 bytes a weight: float32, gradient, two moments, a copy in half precision
    training = made.stage("train")
    assert training.seconds is None and training.least == 4
    assert training.flops == pytest.approx(3 * 612_000 * (read + 4 * 36 * 4096 * 306))
    assert made.seconds is None and made.slowest == "train"
    assert "--lora" in made.advice[0]


def test_adapters_fit_where_all_weights_do_not():
    model = model_named("8B")
    made = plan(model, Work(1000, lora=16), Cards(H100))
    training = made.stage("train")
    assert training.seconds is not None and training.least == 1
    assert sum(training.memory.values()) < 0.9 * 80e9
    whole = plan(model, Work(1000), Cards(H100, 8)).stage("train")
    assert training.flops == pytest.approx(whole.flops * 2 / 3)
    assert whole.each == 8 and whole.memory["gradients"] == 4 * model.shape.parameters / 8


def test_more_gpus_take_less_time_until_there_are_too_many():
    model, work = model_named("0.6B"), Work(100_000, 16)
    one, eight = (plan(model, work, Cards(H100, count), model) for count in (1, 8))
    for name in ("sample", "score"):
        assert eight.stage(name).seconds == pytest.approx(one.stage(name).seconds / 8, rel=0.01)
        assert eight.stage(name).hours == pytest.approx(one.stage(name).hours, rel=0.01)
    # where a copy over more GPUs gains nothing at the assumed shares, it stays on one
    assert plan(model_named("8B"), work, Cards(H100, 8)).stage("sample").each == 1
    few = plan(model, Work(4, 2), Cards(H100, 64))
    # a copy over 8 GPUs draws faster; there are no more copies than prompts
    assert few.stage("sample").gpus == 4 * few.stage("sample").each
    assert few.stage("train").gpus == 4
    assert any("the rest wait" in line for line in few.advice)
    assert few.hours == pytest.approx(few.seconds * 64 / 3600)


def test_a_small_step_on_many_gpus_waits_for_the_network():
    model = model_named("8B")
    made = plan(model, Work(10**6, batch_size=64), Cards(H100, 64))
    training = made.stage("train")
    assert training.bound == "network"
    sent = 4 * 8_190_427_136 + 4 * 8_190_427_136  # half-precision weights twice, gradients once
    sent *= 63 / 64  # all but its own part
    # what leaves a machine takes the connections of all of its 8 GPUs
    assert training.seconds == pytest.approx(15_625 * sent / 400e9)
    larger = plan(model, Work(10**6), Cards(H100, 64)).stage("train")
    assert larger.bound == "operations" and larger.seconds < training.seconds
    slow = plan(model, Work(10**6, batch_size=64), Cards(H100, 64, network=25e9)).stage("train")
    assert slow.seconds == pytest.approx(2 * training.seconds)


def test_what_many_gpus_can_send_together():
    """Reported for all-reduce over H100 and A100 with 8 cards a machine: 400 and 250 GB/s."""
    assert Cards(H100, 16).between(16) == 400e9
    assert Cards(gpu_named("a100"), 16).between(16) == 200e9
    # 100 Gbit/s of a machine are shared; the links within it are never slower than what is asked
    assert Cards(gpu_named("l4"), 16).between(16) == 12.5e9
    assert Cards(H100, 16, network=100e9).between(16) == 450e9
    assert Cards(H100, 9).between(9) == 4 * 50e9  # machines of 5 and of 4
    assert Cards(CPU, 16).between(16) == 12.5e9


@pytest.mark.parametrize(("gpus", "sent_a_second"), [(8, 450e9), (9, 200e9)])
def test_whole_copies_send_their_gradients_twice(gpus, sent_a_second):
    """Over the links within a machine, of 8 GPUs, or over the network."""
    made = plan(model_named("0.6B"), Work(9000, batch_size=gpus), Cards(H100, gpus))
    training = made.stage("train")
    assert training.least == 1 and training.bound == "network"
    steps = math.ceil(9000 / gpus)
    sent = 8 * 595_984_384 * (gpus - 1) / gpus
    assert training.seconds == pytest.approx(steps * sent / sent_a_second)


def test_shares_and_limits():
    model, work = model_named("8B"), Work(1000, lora=8)
    half = plan(model, work, Cards(H100), model, Efficiency(0.5, 0.5, 0.5))
    full = plan(model, work, Cards(H100), model, Efficiency(1, 1, 1))
    for a, b in zip(half.stages, full.stages, strict=True):
        assert a.seconds == pytest.approx(2 * b.seconds) and b.seconds == pytest.approx(b.limit)
    for wrong in (0, -1, 1.5, float("nan")):
        with pytest.raises(CourseError):
            Efficiency(decode=wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompts": 0},
        {"prompts": 1.5},
        {"n": 0},
        {"distinct": 0},
        {"tokens": 0},
        {"tokens": float("nan")},
        {"prompt_tokens": -1},
        {"keep": 1.1},
        {"epochs": -1},
        {"batch_size": 0},
        {"lora": -1},
    ],
)
def test_work_out_of_range(wrong):
    with pytest.raises(CourseError):
        Work(**{"prompts": 10, **wrong})


def test_no_gpus_and_no_network():
    with pytest.raises(CourseError, match="gpus"):
        Cards(H100, 0)
    with pytest.raises(CourseError, match="network"):
        Cards(H100, 2, 0)


def test_no_training_at_all():
    made = plan(model_named("0.6B"), Work(10, epochs=0), Cards(H100))
    assert made.stage("train").seconds == 0 and made.stage("train").tokens == 0


def test_what_a_cpu_gives_the_candidates_is_what_sample_gives_them():
    assert planning.CPU_CACHE == CPU_MB * 2**20


def test_training_has_as_many_logits_at_once_as_the_course():
    """Long replies are trained on in pieces of the vocabulary's projection."""
    assert planning.LOGITS == projection.ON_CPU == projection.ON_LARGE_CARD
    assert planning.FEW_LOGITS == projection.ON_SMALL_CARD
    assert pytest.approx(projection.LARGE, rel=0.001) == planning.SMALL_CARD
    long = plan(model_named("8B"), Work(10, tokens=32_000, lora=16), Cards(H100)).stage("train")
    assert long.memory["logits"] == 12 * (2**28 // 151_936) * 151_936
    assert long.seconds is not None
    small = plan(model_named("0.6B"), Work(10), Cards(gpu_named("t4"))).stage("train")
    assert small.memory["logits"] == 12 * (2**26 // 151_936) * 151_936


# ---- what is printed


def test_every_assumption_is_printed_with_its_value_and_source():
    made = plan(model_named("8B"), Work(1000, lora=16), Cards(H100, 8), model_named("0.6B"))
    text = told(made)
    for what, value, source in made.assumed:
        assert what in text and value in text and source in text
    assert "not measured" in text and "slowest stage is" in text
    named = {what: value for what, value, _ in made.assumed}
    assert named["what learns"] == "adapters of rank 16" and named["passes over them"] == "1"
    assert named["numbers"] == "bfloat16; AdamW in float32"
    measured = (assets.path(POLICY).parents[3] / "docs" / "gpu.md").read_text(encoding="utf-8")
    for share in ("1.7%", "3%"):  # what this course's engine reached, beside the guesses
        assert f"{share} when last measured" in text and f"{share[:-1]} %" in measured
    assert "50 GB/s beyond it" in named["network of a GPU"]
    assert "split over GPUs" in named["left out"] and "a copy over several GPUs" in named
    t4 = plan(model_named("0.6B"), Work(10), Cards(gpu_named("t4")))
    assert ("numbers", "float16; AdamW in float32", "the course") in t4.assumed
    json.dumps(made.to_dict(), allow_nan=False)


def test_what_does_not_fit_is_said():
    text = told(plan(model_named("70B"), Work(1000), Cards(gpu_named("t4"), 2)))
    assert "does not fit" in text and "! sample does not fit: a copy needs 16" in text
    over = told(plan(model_named("70B"), Work(1000, lora=64), Cards(gpu_named("t4"), 16)))
    assert "! sample splits a copy over machines" in over and "or --lora" not in over
    none = told(plan(model_named("8B"), Work(10, tokens=1e6), Cards(H100, 8)))
    assert "! train fits on no number of these GPUs" in none and "none is enough" in none
    assert "1,048,576" not in none and "1048576" not in none


def test_numbers_have_no_powers_of_ten():
    seconds = {1.5: "1.5 s", 99.4: "99 s", 99.6: "100 s", 110: "110 s", 120: "2 min"}
    for value, said in (seconds | {86_400 * 1234.5: "1,234 days"}).items():
        assert telling.time(value) == said
    assert telling.time(None) == telling.hours(None) == "—"
    for value, said in {0.216: "0.22", 99.4: "99", 99.6: "100", 1696.2: "1,696"}.items():
        assert telling.hours(value) == said
    sizes = {0: "0 B", 999: "999 B", 999_600: "1 MB", 57.3e9: "57.3 GB", 8.19e18: "8,190 PB"}
    for value, said in sizes.items():
        assert telling.size(value) == said


# ---- measured rates


def test_a_rate_is_found_again():
    points = [Measured(t, p, 0.2 * p + 1e-4 * t) for t, p in ((1000, 3), (9000, 4), (500, 9))]
    rate = Rate.of(points)
    assert rate.part == pytest.approx(0.2) and rate.token == pytest.approx(1e-4)
    assert rate.seconds(10_000, 10) == pytest.approx(3.0)
    # in proportion the two cannot be told apart, and one point tells seconds a token
    assert Rate.of([Measured(100, 1, 2), Measured(200, 2, 4)]) == Rate(0, 0.02, 2)
    assert Rate.of([Measured(100, 1, 2)]) == Rate(0, 0.02)
    # less time for more tokens: no rate is below 0
    assert Rate.of([Measured(100, 1, 5), Measured(200, 1, 4)]).part == 0
    for wrong in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, float("inf"))):
        with pytest.raises(CourseError):
            Measured(*wrong)


def test_rates_take_the_place_of_limits():
    model, work = model_named("8B"), Work(1000, lora=16)
    rates = Rates({"sample": Rate(0, 1 / 2000)}, "mine.json")
    made = plan(model, work, Cards(H100, 4), None, rates=rates)
    sampling = made.stage("sample")
    assert sampling.seconds == pytest.approx(8_192_000 / 4 / 2000)
    assert sampling.bound == "measured" and made.stage("train").bound != "measured"
    text = told(made)
    assert "Measured rates: sample." in text and "2,000 tokens/s" in text and "mine.json" in text


def test_rates_from_a_file(tmp_path):
    model, file = model_named("8B"), tmp_path / "r.json"
    file.write_text('{"train": {"tokens_per_second": 9000}}', encoding="utf-8")
    assert read_rates(file, model, H100).stages == {"train": Rate(0, 1 / 9000)}
    run = {"work": {"prompts": 8, "n": 4, "tokens": 20}, "sample": {}}
    run["sample"] = {"tokens_sampled": 640, "seconds": 2.0}
    file.write_text(json.dumps({"model": POLICY, "runs": [run]}), encoding="utf-8")
    rates = read_rates(file, model_named(POLICY), CPU)
    assert rates.stages == {"sample": Rate(0, 2 / 640)}
    assert rates.found == {"tokens": 20, "prompt_tokens": 100}
    with pytest.raises(CourseError, match="Measure that model"):
        read_rates(file, model, H100)
    run["score"] = {"tokens_scored": 1920, "seconds": 1.0}  # half of 32 × (20 + 100)
    file.write_text(json.dumps({"runs": [run]}), encoding="utf-8")
    rates = read_rates(file, model_named(POLICY), CPU, model_named(REWARD))
    assert rates.found["distinct"] == 0.5
    half = plan(model, Work(10, **rates.found), Cards(CPU), model_named(REWARD), rates=rates)
    assert half.stage("score").tokens == 10 * 16 * 120 / 2
    assert half.stage("score").seconds == pytest.approx(10 * 16 * 60 / 1920)
    bad = ["{", "[]", "{}", '{"sampel": {"tokens_per_second": 1}}', '{"sample": 3}']
    bad += ['{"sample": {"tokens_per_second": 0}}', '{"sample": {"tokens_per_second": "x"}}']
    bad += ['{"runs": []}', '{"runs": [{}]}', '{"runs": [{"work": {"prompt": 3}}]}']
    for text in bad:
        file.write_text(text, encoding="utf-8")
        with pytest.raises(CourseError):
            read_rates(file, model, H100)
    for wrong in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(CourseError):
            read_rates(wrong, model, H100)


# ---- against what runs really cost


@pytest.fixture(scope="module")
def run():
    """A run of 32 prompts × 8: its pool, and an account of each stage."""
    policy = course.load_policy(assets.path(POLICY))
    reward = course.load_reward_model(assets.path(REWARD))
    prompts, info = course.load_world("helpdesk").prompts("train", limit=32)
    with Account() as sampled:
        pool = course.sample(policy, prompts, n=8, info=info)
    with Account() as scored:
        pool = course.score(pool, reward)
    with Account() as trained:
        course.finetune(policy, course.select_best(pool), epochs=3)
    asked = sum(map(len, policy.encode(pool.prompts))) / pool.P
    return pool, asked, {"sample": sampled, "score": scored, "train": trained}


def planned(run):
    pool, asked, _ = run
    work = Work(pool.P, pool.N, float(pool.lengths.float().mean()), asked, epochs=3, batch_size=32)
    return plan(model_named(POLICY), work, Cards(CPU), model_named(REWARD))


def test_tokens_and_operations_of_a_real_run(run):
    pool, _, accounts = run
    made = planned(run)
    assert made.stage("sample").tokens == near(accounts["sample"].tokens_sampled, 0.01)
    # equal replies to a prompt are read once, which a plan cannot know
    assert made.stage("score").tokens == near(accounts["score"].tokens_scored)
    assert made.stage("train").tokens == near(accounts["train"].tokens_trained)
    for name, account in accounts.items():
        assert made.stage(name).flops == near(account.flops), name


def test_rates_of_a_run_predict_the_run(run):
    """At the size that was measured a plan says what was measured."""
    pool, asked, accounts = run
    work = {"prompts": pool.P, "n": pool.N, "tokens": float(pool.lengths.float().mean())}
    work |= {"prompt_tokens": asked, "epochs": 3, "batch_size": 32}
    told_of = {name: account.to_dict() for name, account in accounts.items()}
    rates = measured_rates(
        [{"work": work, **told_of}], model_named(POLICY), CPU, model_named(REWARD)
    )
    work = Work(**{**work, **rates.found})
    made = plan(model_named(POLICY), work, Cards(CPU), model_named(REWARD), rates=rates)
    for name, account in accounts.items():
        assert made.stage(name).bound == "measured"
        assert made.stage(name).seconds == near(account.seconds), name


def test_tokens_and_operations_of_the_stored_comparison():
    """RFT of docs/measured.md: 256 prompts × 16 replies, three epochs on the best of each."""
    stored = read_json(assets.path(POLICY).parents[2] / "results" / "frontier.json")
    policy = course.load_policy(assets.path(POLICY))
    prompts, _ = course.load_world("helpdesk").prompts("train", limit=256)
    asked = sum(map(len, policy.encode(prompts))) / 256
    # replies as long as those to other prompts of the same desk
    length = stored["base_at_1"]["length"]["mean"]
    for name, times in (("RFT", 1), ("RFT at GRPO's FLOPs", 3.5)):
        cost = stored["methods"][name]["cost"]
        work = Work(int(256 * times), 16, length, asked, epochs=3, batch_size=32)
        made = plan(model_named(POLICY), work, Cards(CPU), model_named(REWARD))
        assert made.stage("sample").tokens == near(cost["tokens"])
        assert made.stage("score").tokens == near(cost["tokens_scored"])
        assert made.stage("train").tokens == near(cost["tokens_trained"])
        assert sum(stage.flops for stage in made.stages) == near(cost["flops"])


def test_every_number_is_finite():
    for name in MODELS:
        for gpu in GPUS.values():
            made = plan(model_named(name), Work(100, 4), Cards(gpu, 8), model_named("0.6B"))
            for stage in made.stages:
                assert math.isfinite(stage.flops) and math.isfinite(stage.moved)
                assert stage.seconds is None or 0 < stage.limit <= stage.seconds


# ---- storage


def test_files_take_what_a_smaller_pool_says(tmp_path):
    pytest.importorskip("pyarrow", reason="pip install -e '.[scale]'")
    policy = course.load_policy(assets.path(POLICY))
    prompts, info = course.load_world("helpdesk").prompts("train", limit=64)
    pool = course.sample(policy, prompts, n=8, info=info)
    asked = sum(map(len, policy.encode(prompts))) / pool.P
    work = Work(pool.P, pool.N, float(pool.lengths.float().mean()), asked)
    smaller = density_of(pool.prompts_at(range(16)))
    made = plan(model_named(POLICY), work, Cards(CPU), density=smaller)
    assert set(made.storage) == {"npz", "jsonl", "parquet"}
    pool.save(tmp_path / "p.npz")
    for kind in ("jsonl", "parquet"):
        write_pools([pool], tmp_path / f"p.{kind}")
    for kind, size in made.storage.items():
        assert size == near((tmp_path / f"p.{kind}").stat().st_size), kind
    with pytest.raises(CourseError, match="2 prompts"):
        density_of(pool.prompts_at([0]))
