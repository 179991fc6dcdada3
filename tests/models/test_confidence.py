"""Self-certainty against the same computed by hand."""

import math

import torch

from course_lib import assets, load_policy, sample, score
from course_lib.models import SelfCertainty, response_logits, tiny_policy
from course_lib.pools import STOP
from course_lib.worlds import Arithmetic


def test_it_is_the_mean_kl_from_the_uniform_distribution():
    policy = tiny_policy(["one two three four"], seed=3, width=32)
    pool = sample(policy, ["one two", "three"], n=3, max_tokens=5, seed=1)
    found = score(pool, SelfCertainty(policy)).rewards["self-certainty"]
    for i, prompt in enumerate(policy.encode(pool.prompts)):
        for j in range(pool.N):
            reply = [token for token in pool.tokens[i, j].tolist() if token >= 0]
            with torch.inference_mode():
                logits, _, _ = response_logits(policy, [(prompt, reply)])
            p = torch.softmax(logits.double(), -1)
            uniform = torch.full_like(p, 1 / p.shape[-1])
            kl = (uniform * (uniform / p).log()).sum(-1)
            assert math.isclose(float(found[i, j]), float(kl.mean()), rel_tol=1e-4)


def test_without_tokens_it_reads_the_texts():
    policy = load_policy(assets.path("arithmetic/policy"), device="cpu")
    prompts, _ = Arithmetic().prompts("heldout", limit=3, seed=0)
    pool = sample(policy, prompts, n=4, max_tokens=72, seed=1)
    whole = score(pool, SelfCertainty(policy)).rewards["self-certainty"]
    texts = score(pool.light(), SelfCertainty(policy)).rewards["self-certainty"]
    assert pool.light().tokens is None
    ended = pool.finish == STOP
    assert ended.any() and torch.allclose(whole[ended], texts[ended], rtol=1e-4)
