"""Trying again: how long to wait, how often, and how fast requests may follow each other."""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ..base import CourseError
from .endpoint import FailedError, GivenUpError

Answer = TypeVar("Answer")
FIRST, LONGEST = 0.5, 60.0  # seconds before the second try, and before any other
MOST = 900.0  # seconds that a server may ask for
TOLD = 3600.0  # seconds of one request's life in which it may be told to wait


class StoppedError(Exception):
    """The job ends: nothing more is asked."""


class Patience:
    """Waits for all threads of a job together.

    A request is tried ``tries`` times. Between tries a thread waits twice as long each time,
    shortened by chance so that threads do not come back together. Where the server says how long
    (``Retry-After``), no thread asks anything until then; being told so for up to an hour is no
    failed try. ``per_minute``: the most requests begun in a minute, or None.
    """

    def __init__(self, tries: int = 8, per_minute: float | None = None) -> None:
        self.tries = tries
        self.apart = 60 / per_minute if per_minute else 0.0
        self.next = 0.0  # when the next request may begin, on the monotonic clock
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.again = 0  # tries after the first, of all requests

    def stop(self) -> None:
        """Ask nothing more; what waits, wakes up."""
        self.ended.set()

    def tried(self, ask: Callable[[], Answer], what: str) -> Answer:
        """The answer, after as many tries as it needs.

        Raises :class:`GivenUpError` after the last one, :class:`StoppedError` once the job ends.
        """
        failed, waits, begun = 0, 0, time.monotonic()
        while True:
            self._turn()
            try:
                return ask()
            except FailedError as error:
                failure = error
            told = failure.after is not None and time.monotonic() - begun < TOLD
            failed += not told
            if failed == self.tries:
                break
            self._wait(waits, failure.after)
            waits += 1
        raise GivenUpError(
            f"{what}: {self.tries} tries failed, the last with {failure}. What is there is kept: "
            "see to the server, and run the same command again."
        )

    def _turn(self) -> None:
        """Wait until a request may begin."""
        while not self.ended.is_set():
            with self.lock:
                now = time.monotonic()
                if now >= self.next:
                    self.next = now + self.apart
                    return
                rest = self.next - now
            self.ended.wait(rest)
        raise StoppedError

    def _wait(self, waits: int, after: float | None) -> None:
        """Wait after a try, ``waits`` times before this one."""
        if after is not None and after > MOST:
            raise CourseError(
                f"the server asks to wait {after / 60:.0f} minutes. What is there is kept: run "
                "the same command again then."
            )
        with self.lock:
            self.again += 1
            if after is not None:
                self.next = max(self.next, time.monotonic() + after)
        longest = min(LONGEST, FIRST * 2 ** min(waits, 30))
        if self.ended.wait(longest * random.uniform(0.5, 1)):
            raise StoppedError
