"""Fine-tuning and reward training with the weights cut up over processes (FSDP2).

For a model that one GPU cannot train: each process keeps a share of weights, gradients and
optimiser, and layers are put together while they are read. The whole model must fit into the
computer's memory, three times for each process: the policy, the copy to be trained, and that which
is cut up. Online methods sample from what they train and are not made for this. It was tried with
two processes on a CPU, not on GPUs.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    FSDPModule,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor, distribute_tensor

from ..base import require
from ..models.projection import projects
from .ranks import LaunchedProcesses


class ShardedProcesses(LaunchedProcesses):
    """:class:`~course_lib.methods.Processes` that each hold a part of the weights."""

    cut = True

    def __init__(self, state: Any) -> None:
        super().__init__(state)
        self.device = state.device

    @contextlib.contextmanager
    def laid_out(self, holder: Any, loss_of: Callable) -> Iterator[None]:
        """Inside, ``holder.model`` is cut up; afterwards it is whole, with the new weights."""
        plain = holder.model
        holder.model = copy.deepcopy(plain)
        # how a model may be read is tried out while it is whole: such a trial keeps no gradients,
        # and FSDP would go on using buffers that cannot have any
        projects(holder.model)
        with torch.no_grad():
            loss_of([0])
        cut_up(holder.model, self.device, self.size)
        try:
            yield
            with torch.no_grad():
                pairs = zip(plain.parameters(), holder.model.parameters(), strict=True)
                for weight, part in pairs:
                    weight.copy_(part.full_tensor())
        finally:
            holder.model = plain

    def read(self, model: torch.nn.Module, loss_of: Callable, part: Any) -> Any:
        """``loss_of(part)``, with what lies outside the layers put together meanwhile."""
        return model.read_whole(loss_of, part)

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """The whole of a tensor that is cut up, in the first process's memory; a number in all."""
        if not isinstance(tensor, DTensor):
            return tensor
        full = tensor.full_tensor()
        if full.dim() == 0:
            return full
        return full.cpu() if self.rank == 0 else torch.empty(0)

    def like(self, saved: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
        """This process's part of what was saved whole."""
        if not isinstance(tensor, DTensor):
            return saved
        saved = saved.to(tensor.device, tensor.dtype)
        # every process has read the same file
        return distribute_tensor(saved, tensor.device_mesh, tensor.placements, src_data_rank=None)


def cut_up(model: Any, device: torch.device, size: int) -> None:
    """Cut the weights of ``model`` into ``size`` on ``device``, layer by layer."""
    from accelerate import FullyShardedDataParallelPlugin

    plugin = FullyShardedDataParallelPlugin(fsdp_version=2)  # reads what the launch has set
    require(
        not isinstance(plugin.cpu_offload, CPUOffloadPolicy),
        "fsdp_offload_params must be false: that weights rest in the computer's memory was never "
        "tried here.",
    )
    for buffer in model.buffers():
        buffer.data = buffer.data.to(device)
    how = {
        "mesh": init_device_mesh(device.type, (size,)),
        "reshard_after_forward": plugin.reshard_after_forward,
    }
    for layer in layers_of(model):
        fully_shard(layer, **how)
    fully_shard(model, **how)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # sums, as the steps are made from; gloo knows no other way to them
            module.set_force_sum_reduction_for_comms(True)
            module.set_gradient_divide_factor(1.0)
    model.read_whole = lambda loss_of, part: loss_of(part)
    register_fsdp_forward_method(model, "read_whole")


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The layers of ``model``: the members of its outermost lists of modules."""
    found: list[torch.nn.Module] = []
    for child in model.children():
        found += child if isinstance(child, torch.nn.ModuleList) else layers_of(child)
    return found
