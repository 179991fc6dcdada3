"""A step that is captured once and replayed: what a GPU is asked to do, without asking again.

A decoding step is some two thousand small calls, and calling them takes longer than doing them
when few rows are in flight. A CUDA graph records the calls of one step; a replay repeats them on
the same memory. So everything that changes from step to step must lie in tensors that keep their
place, and nothing may be read back on the way.
"""

from collections.abc import Callable

import torch

Step = Callable[[], torch.Tensor]


def cuda_graph(step: Step) -> Step:
    """``step`` recorded, not run: calling the result runs it, and returns the same tensor."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = step()

    def replay() -> torch.Tensor:
        graph.replay()
        return out

    return replay
