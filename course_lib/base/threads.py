"""Threads that wait should sleep, not spin.

Beside another busy process, threads that spin make small operations several times slower
(docs/log.md). GNU's OpenMP, which torch brings, reads ``OMP_WAIT_POLICY`` when it is loaded; once
torch is imported that is too late. But it also spins hardly at all while it manages more threads
than there are processors. So where torch came first, one more team of threads is started that never
has anything to do: waiting is then as with ``OMP_WAIT_POLICY=PASSIVE``, and torch computes with as
many threads as before.
"""

import os
import sys
import threading

NAME = "course-waits-asleep"


def wait_asleep() -> None:
    """Make torch's threads sleep while they wait, whichever was imported first.

    Nothing happens when the user has set ``OMP_WAIT_POLICY``, or a second time.
    """
    if "OMP_WAIT_POLICY" in os.environ:  # set by the user, or by an earlier call
        return
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    if "torch" not in sys.modules:
        return
    import torch

    used = torch.get_num_threads()
    more = max(2, (os.cpu_count() or 1) - used + 2)  # together one above the processors
    ready = threading.Event()
    threading.Thread(target=_idle_team, args=(more, ready), name=NAME, daemon=True).start()
    ready.wait()
    torch.set_num_threads(used)  # for threads that start later


def _idle_team(size: int, ready: threading.Event) -> None:
    """Start a team of ``size`` threads, which from then on wait for ever."""
    import torch

    torch.set_num_threads(size)
    torch.ones(200_000).mul(2).sum()  # large enough to be shared among threads
    ready.set()
    threading.Event().wait()
