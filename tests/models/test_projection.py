"""The vocabulary projection in pieces gives what the whole gives, gradients too."""

import pytest
import torch
from architectures import tiny

from course_lib.models import projection, response_losses, summed_loss, token_logprobs
from course_lib.models.projection import (
    losses,
    losses_in_pieces,
    project,
    projects,
    tokens_a_piece,
    weighted_loss,
)

HEADS = {
    "llama": {},
    "gpt2": {},  # tied
    "phi": {},  # a bias
    "gemma3_text": {"final_logit_softcapping": 5.0},
    "granite": {"logits_scaling": 3.0},
    "cohere": {"logit_scale": 0.25},
    "bloom": {},  # read padded
}
PROMPTS = ["the cat sat on", "12 + 30 = ", "a"]
REPLIES = ["sat on the mat, the mat", "42", "b c"]


def examples_of(policy):
    return list(zip(policy.encode(PROMPTS), policy.encode_responses(REPLIES), strict=True))


@pytest.fixture
def few(monkeypatch):
    """Pieces of three tokens."""
    monkeypatch.setattr(projection, "ON_CPU", 1000)


def gradient_of(policy, loss):
    parameters = list(policy.model.parameters())
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    return torch.cat([torch.zeros(1) if p.grad is None else p.grad.flatten() for p in parameters])


def assert_gradient(got, wanted):
    assert float(wanted.norm()) > 0
    assert float((got - wanted).norm() / wanted.norm()) < 1e-5


@pytest.mark.parametrize("name", HEADS)
def test_pieces_are_the_whole(name, monkeypatch):
    policy = tiny(name, **HEADS[name])
    examples = examples_of(policy)
    weights = torch.tensor([0.5, 2.0, -1.0])
    assert projects(policy.model)

    def everything():
        found, targets, row = response_losses(policy, examples, 0.7)
        uneven = torch.linspace(-1, 1, len(found))  # another gradient for each token
        summed, count = summed_loss(policy, examples, weights)
        plain, _ = summed_loss(policy, examples)
        scaled = summed * 64  # as a gradient scaler does
        return (
            [found.detach(), summed.detach(), plain.detach(), targets, row, torch.tensor(count)],
            [gradient_of(policy, x) for x in ((found * uneven).sum(), scaled, plain)],
            token_logprobs(policy, examples, 1.3),
        )

    whole = everything()
    assert tokens_a_piece(policy.model, len(whole[0][0])) is None
    monkeypatch.setattr(projection, "ON_CPU", 1000)
    assert tokens_a_piece(policy.model, len(whole[0][0])) == 3
    pieces = everything()
    torch.testing.assert_close(pieces[0], whole[0], atol=1e-5, rtol=1e-5)
    for got, wanted in zip(pieces[1], whole[1], strict=True):
        assert_gradient(got, wanted)
    torch.testing.assert_close(pieces[2], whole[2], atol=1e-5, rtol=1e-5)


def test_no_piece_has_more_logits_than_said(few, monkeypatch):
    policy, sizes = tiny("qwen3"), []
    own = projection.project

    def counted(model, hidden):
        logits = own(model, hidden)
        sizes.append(logits.numel())
        return logits

    assert projects(policy.model)
    monkeypatch.setattr(projection, "project", counted)
    response_losses(policy, examples_of(policy))[0].sum().backward()
    once = len(sizes)
    summed_loss(policy, examples_of(policy))[0].backward()
    assert max(sizes) <= 1000 < sum(sizes)
    assert (len(sizes) - once) * 2 == once  # the gradient at once, or logits computed twice


def test_a_head_that_does_more_is_left_whole(few):
    """BERT's head has a layer of its own before the projection."""
    policy = tiny("bert")
    assert not projects(policy.model)
    assert tokens_a_piece(policy.model, 10**6) is None
    logits = torch.randn(7, 5)
    found, targets, row = response_losses(policy, examples_of(policy))
    assert len(found) == len(targets) == len(row)
    torch.testing.assert_close(
        losses(logits, logits.argmax(-1), 2.0), -(logits / 2).log_softmax(-1).amax(-1)
    )


def test_only_trained_weights_get_a_gradient(few):
    policy = tiny("llama")
    policy.model.requires_grad_(False)
    norm = policy.model.model.norm.weight.requires_grad_()
    summed_loss(policy, examples_of(policy))[0].backward()
    assert norm.grad is not None and policy.model.lm_head.weight.grad is None


def test_float16_is_scaled_before_its_gradient_is_taken(monkeypatch):
    """A gradient in float16 must be taken of the scaled loss: it would vanish otherwise."""
    policy = tiny("llama")
    hidden = torch.randn(9, 32, requires_grad=True)
    targets, weights = torch.arange(9), torch.ones(9)
    taken = []
    monkeypatch.setattr(
        projection,
        "losses_in_pieces",
        lambda *args: taken.append(torch.get_autocast_dtype("cpu")) or losses_in_pieces(*args),
    )
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=dtype):
            loss = weighted_loss(policy.model, hidden, targets, weights, 4)
            whole = losses(project(policy.model, hidden), targets).sum()
        torch.testing.assert_close(loss, whole, atol=0.05, rtol=0.01)
        (got,) = torch.autograd.grad(loss * 2.0**10, hidden)
        (wanted,) = torch.autograd.grad(whole * 2.0**10, hidden)
        assert float((got - wanted).norm() / wanted.norm()) < 0.02
        assert got.dtype == torch.float32
    assert taken == [torch.float16]
