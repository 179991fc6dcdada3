"""A step that is captured once and replayed: what a GPU is asked to do, without asking again.

A decoding step is some two thousand small calls, and calling them takes longer than doing them
when few rows are in flight. A CUDA graph records the calls of one step; a replay repeats them on
the same memory. So everything that changes from step to step must lie in tensors that keep their
place, and nothing may be read back on the way.
"""

import contextlib
from collections.abc import Callable

import torch

Step = Callable[[], torch.Tensor]


def cuda_graph(step: Step) -> Step:
    """``step`` recorded, not run: calling the result runs it, and returns the same tensor.

    Raises what ``step`` raises, and RuntimeError where it does something that cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            out = step()
        except BaseException:
            # ending a broken recording is an error of its own, which says less than the first
            with contextlib.suppress(RuntimeError):
                graph.capture_end()
            raise
        graph.capture_end()

    def replay() -> torch.Tensor:
        graph.replay()
        return out

    return replay
