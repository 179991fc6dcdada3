"""Files people have: a row of every known shape, what it becomes, what is made of broken ones."""

import json
import random

import pytest

from course_lib.base import CourseError, last_turn
from course_lib.pools import STOP, read_pairs, read_rollouts, read_selection, shapes


def write(path, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.jsonl"


def read(file, *rows, **more):
    """The pool of a file that holds ``rows``."""
    return read_rollouts(write(file, *rows), **more)


def say(role, text):
    return {"role": role, "content": text}


def tell(who, text):
    return {"from": who, "value": text}


ASK, GOOD, BAD = "How do I bake bread?", "Knead the dough.", "Buy a loaf instead."
USER, HELP, WORSE = say("user", ASK), say("assistant", GOOD), say("assistant", BAD)
SYSTEM, FIRST, HI = say("system", "Be brief."), say("user", "Hello there."), say("assistant", "Hi!")
HISTORY = [SYSTEM, FIRST, HI, USER]
HUMAN = f"\n\nHuman: {ASK}\n\nAssistant:"
CHATML = f"<|im_start|>user\n{ASK}<|im_end|>\n<|im_start|>assistant\n"
PREFERRED = {"preference": [1.0, 0.0]}
PAIR = ([GOOD, BAD], PREFERRED)
MARKS = {"Helpfulness": {"Rating": "4"}, "Honesty": {"Rating": "N/A"}, "Truth": {"Rating": "2"}}

# (what it is, a row of it, its prompt, its replies, its rewards)
KNOWN = [
    ("rollouts", {"prompt": ASK, "responses": [GOOD, BAD], "rewards": [1, 0]}, ASK, [GOOD, BAD],
     {"reward": [1, 0]}),
    ("rlhf-book", {"question": ASK, "completions": [GOOD], "rewards": [2], "answer": "6"}, ASK,
     [GOOD], {"reward": [2]}),
    ("scores", {"prompt": ASK, "responses": [GOOD, BAD], "scores": [1, 0]}, ASK, [GOOD, BAD],
     {"score": [1, 0]}),
    ("reward that is a list", {"prompt": ASK, "responses": [GOOD, BAD], "reward": [1, 0]}, ASK,
     [GOOD, BAD], {"reward": [1, 0]}),
    ("accuracy_reward", {"problem": ASK, "generations": [GOOD, BAD], "accuracy_reward": [1, 0],
     "solution": "6"}, ASK, [GOOD, BAD], {"accuracy_reward": [1, 0]}),
    ("verl parquet", {"prompt": [USER], "responses": [GOOD], "reward_model": {"ground_truth": "6"}},
     ASK, [GOOD], {}),
    ("verl dump", {"input": CHATML, "output": GOOD, "gts": "6", "score": 1.0, "step": 1}, ASK,
     [GOOD], {"score": [1]}),
    ("OpenRLHF", {"input": ASK, "output": GOOD, "reward": 0.5}, ASK, [GOOD], {"reward": [0.5]}),
    ("TRL completion", {"prompt": HISTORY, "completion": [HELP]}, HISTORY, [GOOD], {}),
    ("KTO", {"prompt": ASK, "completion": GOOD, "label": True}, ASK, [GOOD], {"label": [1]}),
    ("Alpaca", {"instruction": ASK, "input": "", "output": GOOD}, ASK, [GOOD], {}),
    ("Alpaca with input", {"instruction": ASK, "input": "Rye.", "output": GOOD}, f"{ASK}\n\nRye.",
     [GOOD], {}),
    ("LLaMA-Factory", {"instruction": ASK, "input": "", "output": GOOD, "system": "Be brief.",
     "history": [["Hello there.", "Hi!"]]}, HISTORY, [GOOD], {}),
    ("Dolly", {"instruction": ASK, "context": "Rye.", "response": GOOD}, f"{ASK}\n\nRye.", [GOOD],
     {}),
    ("MetaMath", {"query": ASK, "response": GOOD, "type": "x"}, ASK, [GOOD], {}),
    ("QA", {"question": ASK, "answer": GOOD}, ASK, [GOOD], {}),
    ("OpenAI", {"messages": [*HISTORY, HELP]}, HISTORY, [GOOD], {}),
    ("parts", {"messages": [{"role": "user", "content": [{"type": "text", "text": ASK}]}, HELP]},
     ASK, [GOOD], {}),
    ("ShareGPT", {"conversations": [tell("system", "Be brief."), tell("human", "Hello there."),
     tell("gpt", "Hi!"), tell("human", ASK), tell("gpt", GOOD)]}, HISTORY, [GOOD], {}),
    ("open-instruct", {"messages": [*HISTORY, HELP], "model_completion": GOOD, "model": "m",
     "score": {"rm": 0.5}}, HISTORY, [GOOD], {"rm": [0.5]}),
    ("HelpSteer2", {"prompt": ASK, "response": GOOD, "helpfulness": 4, "correctness": 3,
     "coherence": 2, "complexity": 1, "verbosity": 0}, ASK, [GOOD],
     {"helpfulness": [4], "correctness": [3], "coherence": [2], "complexity": [1],
      "verbosity": [0]}),
    ("UltraFeedback", {"instruction": ASK, "models": ["a", "b"], "completions": [
        {"response": GOOD, "overall_score": 8.5, "model": "a", "annotations": MARKS},
        {"response": BAD, "overall_score": 2, "model": "b", "annotations": MARKS}]}, ASK,
     [GOOD, BAD], {"overall_score": [8.5, 2]}),
    ("UltraFeedback's ratings", {"instruction": ASK, "completions": [
        {"response": GOOD, "annotations": MARKS}]}, ASK, [GOOD], {"rating": [3]}),
    ("Nectar", {"prompt": HUMAN, "answers": [{"answer": GOOD, "rank": 1.0, "model": "a"},
     {"answer": BAD, "rank": 2.0, "model": "b"}], "turns": 1}, HUMAN, [GOOD, BAD],
     {"rank": [-1, -2]}),
    ("lm-eval", {"doc_id": 0, "doc": {"question": ASK, "answer": "#### 6"}, "target": "6",
     "arguments": [[f"Q: 1+1?\nA: 2\n\nQ: {ASK}", {"until": ["Q:"]}]], "resps": [[GOOD]],
     "filtered_resps": ["6"], "exact_match": 1.0}, f"Q: 1+1?\nA: 2\n\nQ: {ASK}", [GOOD],
     {"exact_match": [1]}),
    ("lm-eval, newer", {"doc": {"question": ASK}, "arguments": {"gen_args_0": {"arg_0": ASK,
     "arg_1": {"until": []}}}, "resps": [[GOOD, BAD]], "exact_match": 0.5}, ASK, [GOOD, BAD], {}),
    ("TRL pair", {"prompt": ASK, "chosen": GOOD, "rejected": BAD}, ASK, *PAIR),
    ("TRL conversational pair", {"prompt": HISTORY, "chosen": [HELP], "rejected": [WORSE]}, HISTORY,
     *PAIR),
    ("UltraFeedback-binarized", {"prompt": ASK, "prompt_id": "0", "chosen": [USER, HELP],
     "rejected": [USER, WORSE], "messages": [USER, HELP], "score_chosen": 8.0}, ASK, *PAIR),
    ("Tülu 3", {"prompt": ASK, "chosen": [*HISTORY, HELP], "rejected": [*HISTORY, WORSE],
     "source": "x"}, HISTORY, *PAIR),
    ("Skywork", {"chosen": [USER, HELP], "rejected": [USER, WORSE], "source": "x"}, ASK, *PAIR),
    ("hh-rlhf", {"chosen": f"{HUMAN} {GOOD}", "rejected": f"{HUMAN} {BAD}"}, HUMAN, *PAIR),
    ("implicit text", {"chosen": f"{ASK} {GOOD}", "rejected": f"{ASK} {BAD}"}, ASK, *PAIR),
    ("implicit ChatML", {"chosen": f"{CHATML}{GOOD}<|im_end|>\n", "rejected":
     f"{CHATML}{BAD}<|im_end|>\n"}, ASK, *PAIR),
    ("the prompt in the replies", {"prompt": ASK, "chosen": f"{ASK} {GOOD}", "rejected":
     f"{ASK}\n{BAD}"}, ASK, [f"{ASK} {GOOD}", f"{ASK}\n{BAD}"], PREFERRED),
    ("Orca DPO", {"system": "Be brief.", "question": ASK, "chosen": GOOD, "rejected": BAD},
     [SYSTEM, USER], *PAIR),
    ("Argilla", {"source": "x", "instruction": ASK, "chosen_response": GOOD,
     "rejected_response": BAD, "chosen_avg_rating": 4.5}, ASK, *PAIR),
    ("LLaMA-Factory pair", {"conversations": [tell("human", ASK)], "chosen": tell("gpt", GOOD),
     "rejected": tell("gpt", BAD)}, ASK, *PAIR),
    ("RewardBench", {"prompt": ASK, "chosen": GOOD, "chosen_model": "a", "rejected": BAD,
     "rejected_model": "b", "subset": "s", "id": 3}, ASK, *PAIR),
    ("RewardBench 2", {"id": "0", "prompt": ASK, "chosen": [GOOD], "rejected": [BAD, "No."],
     "num_correct": 1}, ASK, [GOOD, BAD, "No."], {"preference": [1, 0, 0]}),
    ("PKU-SafeRLHF", {"prompt": ASK, "response_0": BAD, "response_1": GOOD, "better_response_id": 1,
     "safer_response_id": 0, "is_response_0_safe": True}, ASK, [BAD, GOOD], {"preference": [0, 1]}),
    ("HelpSteer3", {"context": HISTORY, "response1": GOOD, "response2": BAD,
     "overall_preference": -3}, HISTORY, *PAIR),
    ("HelpSteer2's preferences", {"prompt": ASK, "response_1": BAD, "response_2": GOOD,
     "preference_strength": 2}, ASK, [BAD, GOOD], {"preference": [0, 1]}),
    ("StackExchange", {"qid": 1, "question": ASK, "response_j": GOOD, "response_k": BAD}, ASK,
     *PAIR),
    ("HelpSteer3, a tie", {"context": [USER], "response1": GOOD, "response2": BAD,
     "overall_preference": 0}, ASK, [GOOD, BAD], {"preference": [0.5, 0.5]}),
    ("WebGPT", {"question": {"full_text": ASK, "id": "q"}, "answer_0": BAD, "score_0": -0.5,
     "answer_1": GOOD, "score_1": 0.5}, ASK, [BAD, GOOD], {"preference": [0, 1]}),
    ("SHP", {"history": ASK, "human_ref_A": GOOD, "human_ref_B": BAD, "labels": 1}, ASK, *PAIR),
    ("summaries", {"info": {"post": ASK, "id": "p"}, "summaries": [{"text": GOOD, "policy": "a"},
     {"text": BAD, "policy": "b"}], "choice": 0, "worker": "w"}, ASK, *PAIR),
    ("arena", {"conversation_a": [USER, HELP], "conversation_b": [USER, WORSE],
     "winner": "model_a"}, ASK, *PAIR),
    ("two and a word", {"prompt": ASK, "response_a": BAD, "response_b": GOOD, "preference": "B"},
     ASK, [BAD, GOOD], {"preference": [0, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(
    "row, prompt, texts, rewards",
    [known[1:] for known in KNOWN],
    ids=[known[0] for known in KNOWN],
)
def test_known_shapes(file, row, prompt, texts, rewards):
    pool = read(file, row)
    assert pool.prompts == [prompt] and pool.texts == [texts]
    assert {name: pool.reward(name)[0].tolist() for name in pool.rewards} == rewards


def test_every_entry_of_the_table_is_tried(file):
    """By a row that is read, all but the two entries that read no row themselves."""
    tried = {read(file, known[1]).provenance.shape for known in KNOWN}
    assert set(shapes.TABLE) - tried == {"model solutions", "steps"}


# ---- 10,000 mutated rows

PROTOCOL = ("role", "from", "type", "winner", "preference", "Rating")  # words with a meaning
STRANGE = [None, True, 5, -0.5, float("nan"), 10**400, "", " ", "zanzibar", "\ud800", [], {}, [[]],
           [None], ["zanzibar"], {"role": "user"}, [say("user", "zanzibar")], [USER, HELP],
           [tell("bot", "zanzibar")], [say("assistant", None)], "tool", "assistant", [1.0],
           [{"type": "image_url", "image_url": "zanzibar"}], {"text": "zanzibar"}]  # fmt: skip


def marked(value, names, key=""):
    """``value`` with a token of its own in each text, the same one in equal texts."""
    if isinstance(value, dict):
        return {k: marked(v, names, k) for k, v in value.items()}
    if isinstance(value, list):
        return [marked(v, names, key) for v in value]
    if not isinstance(value, str) or key in PROTOCOL or not value.strip():
        return value
    name = names.setdefault(value, f"token{random.getrandbits(60)}x")
    for text in (ASK, GOOD, BAD):  # also where one text holds another
        if text in value:
            own = names.setdefault(text, f"token{random.getrandbits(60)}x")
            value = value.replace(text, f"{text[:-1]} {own}{text[-1]}")
    return value if any(own in value for own in names.values()) else f"{name} {value}"


def containers(value):
    found = [value] if isinstance(value, dict | list) and value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [c for v in inner for c in containers(v)]


def mutate(row, rng):
    """One small change somewhere in ``row``, in place."""
    place = rng.choice(containers(row))
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    key, other = rng.choice(keys), rng.choice(keys)
    what = rng.randrange(6)
    if what == 0:
        del place[key]
    elif what == 1:
        place[key] = json.loads(json.dumps(rng.choice(STRANGE)))
    elif what == 2:
        place[key], place[other] = place[other], place[key]
    elif what == 3:
        place[key] = [place[key]]
    elif isinstance(place, list):
        place.insert(key, json.loads(json.dumps(place[other])))
    elif place is row:
        place[rng.choice(list(rng.choice(KNOWN)[1]))] = place.pop(key)


def texts_of(value):
    """All strings in ``value`` that carry a token."""
    text = json.dumps(value)
    return {part.split("x")[0] for part in text.split("token")[1:]}


def fuzzed(rng, count=12):
    """Rows of one shape, which is the first row's, with none to three changes each."""
    known = rng.choice(KNOWN)[1]
    rows = []
    for _ in range(count):
        row = marked(json.loads(json.dumps(known)), {})
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            if row:
                mutate(row, rng)
        rows.append(row)
    return rows


def check_reading(rows, file):
    """A reading that keeps every text, or a clear error that quotes none. Returns rows kept."""
    try:
        pool = read_rollouts(file, skip_bad=True)
    except CourseError as error:
        assert "token" not in str(error) and "zanzibar" not in str(error)
        return 0
    said = str(pool.provenance.skipped)
    assert "token" not in said and "zanzibar" not in said
    bad = {one["line"] for one in pool.provenance.skipped}
    kept = texts_of([pool.prompts, pool.texts, pool.info])
    for number, row in enumerate(rows, 1):
        if number not in bad:
            assert texts_of(row) <= kept, row
    for prompt in pool.prompts:
        assert last_turn(prompt).strip()
    assert (pool.finish[pool.present] == STOP).all() and pool.present.any(1).all()
    return len(rows) - len(bad)


@pytest.mark.slow
def test_mutated_rows_are_read_whole_or_refused(file):
    """10,000 rows of all shapes with a few changes: never a traceback, never an empty prompt."""
    rng = random.Random(0)
    random.seed(0)
    kept = 0
    for _ in range(840):
        rows = fuzzed(rng)
        kept += check_reading(rows, write(file, *rows))
    assert 2000 < kept < 9000  # both happen


def test_mutated_rows_as_pairs_and_selections(file):
    rng = random.Random(1)
    for _ in range(150):
        write(file, *fuzzed(rng))
        for reading in (read_pairs, read_selection):
            try:
                rows = reading(file, skip_bad=True)
            except CourseError:
                continue
            assert all(last_turn(p).strip() for p in getattr(rows, "prompts", []))
