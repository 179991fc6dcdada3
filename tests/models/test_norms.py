"""Norms in one operation: where they are the same, and only for as long as asked."""

import pytest
import torch
from architectures import tiny

from course_lib.models import fused_norms
from course_lib.models.norms import fused


def read(model):
    ids = torch.arange(5)[None]
    logits = model(input_ids=ids, use_cache=False).logits
    model.zero_grad()
    logits.float().square().sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return logits.detach().float(), gradient.float().clone()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_norms_give_the_same_in_one_operation(name, dtype):
    model = tiny(name).model.to(dtype)
    own = read(model)
    with fused_norms(model) as count:
        assert count == (5 if name == "llama" else 9)  # two a layer, two more for q and k, the last
        inside = read(model)
        assert model.model.norm.forward.func is fused
    assert all("forward" not in part.__dict__ for part in model.modules())
    limit = 1e-4 if dtype == torch.float32 else 0.05
    for one, other in zip(inside, own, strict=True):
        assert float((one - other).norm() / other.norm()) < limit
    after = read(model)
    assert all(torch.equal(a, b) for a, b in zip(after, own, strict=True))


def test_other_norms_are_left_alone():
    """Gemma multiplies by 1 + weight, and a subclass may do anything."""
    with fused_norms(tiny("gemma3_text").model) as count:
        assert count == 0
    model = tiny("llama").model
    kind = type(model.model.norm)

    class OddRMSNorm(kind):
        def forward(self, rows):
            return 2 * super().forward(rows)

    model.model.norm.__class__ = OddRMSNorm
    with fused_norms(model) as count:
        assert count == 4


def test_a_norm_is_back_after_an_error():
    model = tiny("llama").model
    with pytest.raises(KeyboardInterrupt), fused_norms(model):
        raise KeyboardInterrupt
    assert all("forward" not in part.__dict__ for part in model.modules())
