"""What proves ex08's check of training_ids: probes, wrong solutions, other right ones."""

import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex08", "training_ids")


@proof.probe()
def training_ids_inputs(rng):
    for k in range(25):
        end = int(rng.integers(0, 4))
        prompt = rng.integers(0, 12, int(rng.integers(1, 9))).tolist()
        fewest = 0 if k < 3 else 1
        drawn = rng.integers(0, 12, int(rng.integers(fewest, 9))).tolist()
        reply = [token for token in drawn if token != end]
        yield prompt, reply, end, bool(rng.random() < 0.5)


def _ids(prompt, reply, end, finished):
    return prompt + reply + [end] * finished


def _mask(prompt, reply, finished):
    return [0] * len(prompt) + [1] * (len(reply) + finished)


@proof.wrong(says="stop in mid-sentence")
def always_ends(prompt, reply, end, finished):
    return _ids(prompt, reply, end, True), _mask(prompt, reply, True)


@proof.wrong(says="end token is missing")
def never_ends(prompt, reply, end, finished):
    return _ids(prompt, reply, end, False), _mask(prompt, reply, False)


@proof.wrong(says="does not learn to stop")
def end_masked(prompt, reply, end, finished):
    mask = _mask(prompt, reply, False) + [0] * finished
    return _ids(prompt, reply, end, finished), mask


@proof.wrong(says="learn to write questions")
def prompt_in_the_loss(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [1] * len(ids)


@proof.wrong(says="shifted by one")
def shifted_left(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [0] * (len(prompt) - 1) + [1] * (len(ids) - len(prompt) + 1)


@proof.wrong(says="first token of the reply")
def shifted_right(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [0] * (len(prompt) + 1) + [1] * (len(ids) - len(prompt) - 1)


@proof.wrong(says="places, not on tokens")
def by_value(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [int(i not in prompt) for i in ids]


@proof.wrong(says="turned around")
def inverted(prompt, reply, end, finished):
    mask = [1 - m for m in _mask(prompt, reply, finished)]
    return _ids(prompt, reply, end, finished), mask


@proof.wrong(says="as long as ids")
def mask_of_the_reply(prompt, reply, end, finished):
    return _ids(prompt, reply, end, finished), [1] * (len(reply) + finished)


@proof.wrong(says="changes its input")
def in_place(prompt, reply, end, finished):
    P = len(prompt)
    prompt += reply
    if finished:
        prompt.append(end)
    return prompt, [0] * P + [1] * (len(prompt) - P)


@proof.wrong(says="count the end token too")
def ones_from_the_back(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [0] * (len(ids) - len(reply)) + [1] * len(reply)


@proof.wrong(says="-100")
def as_labels(prompt, reply, end, finished):
    mask = [-100] * len(prompt) + [1] * (len(reply) + finished)
    return _ids(prompt, reply, end, finished), mask


@proof.wrong(says="use the argument")
def fixed_end(prompt, reply, end, finished):
    return _ids(prompt, reply, 2, finished), _mask(prompt, reply, finished)


@proof.wrong(says="still trained on")
def drops_cut_replies(prompt, reply, end, finished):
    if not finished:
        return [], []
    return _ids(prompt, reply, end, True), _mask(prompt, reply, True)


@proof.wrong(says="an end token inside the prompt")
def ends_are_learnt(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [int(k >= len(prompt) or i == end) for k, i in enumerate(ids)]


@proof.wrong(says="a token like any other")
def zero_is_padding(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [int(k >= len(prompt) and i != 0) for k, i in enumerate(ids)]


@proof.wrong(says="learnt up to where it was cut")
def cut_replies_are_not_learnt(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    return ids, [0] * len(prompt) + [int(finished)] * (len(ids) - len(prompt))


@proof.wrong(says="return nothing")
def append_returns_none(prompt, reply, end, finished):
    ids = prompt + reply
    if finished:
        ids = ids.append(end)
    return ids, _mask(prompt, reply, finished)


@proof.wrong(says="lists within a list")
def a_list_in_the_list(prompt, reply, end, finished):
    return [prompt, reply + [end] * finished], _mask(prompt, reply, finished)


@proof.wrong(says="larger and less tidy")
def at_most_eight(prompt, reply, end, finished):
    ids = _ids(prompt, reply, end, finished)
    mask = _mask(prompt, reply, finished)
    return ids, mask[:8] + [0] * max(0, len(ids) - 8)


@proof.right
def token_by_token(prompt, reply, end, finished):
    ids, mask = [], []
    for token in prompt:
        ids.append(token)
        mask.append(False)
    for token in reply:
        ids.append(token)
        mask.append(True)
    if finished:
        ids.append(end)
        mask.append(True)
    return ids, mask


@proof.right
def with_tensors(prompt, reply, end, finished):
    ids = torch.tensor([*prompt, *reply, *[end] * bool(finished)])
    return ids, (torch.arange(len(ids)) >= len(prompt)).float()
