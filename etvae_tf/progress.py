"""How far long work is: one line that is written over on a terminal, lines one below the other in a log file."""

from __future__ import annotations

import datetime
import sys
import time

__all__ = ["Progress"]

_SECONDS_BETWEEN = {True: 0.5, False: 10.0}  # on a terminal, or elsewhere
_ERASE = "\r\x1b[K"  # back to the first column, and what stood there is gone


class Progress:
    """Tells on standard output how far the work is, at what rate, and how long the rest takes.

    Args:
        total: units of work.
        unit_name: one of them, e.g. "picture"; its plural takes an s.
        done: how many were done before, which count neither for the rate nor for the time.
    """

    def __init__(self, total: int, unit_name: str, done: int = 0):
        self._total, self._units = total, f"{unit_name}s"
        self._before, self._done = done, done
        self._terminal = sys.stdout.isatty()
        self._start = self._said = time.perf_counter()

    def add(self, n: int) -> None:
        """Says that n more units are done."""
        self._done += n
        now = time.perf_counter()
        seconds = now - self._start
        rate = (self._done - self._before) / max(seconds, 1e-3)
        if self._done >= self._total:
            self._print(f"{self._done} {self._units} in {_duration(seconds)}, {rate:.0f} a second", last=True)
        elif rate and now - self._said >= _SECONDS_BETWEEN[self._terminal]:
            left = _duration((self._total - self._done) / rate)
            self._print(f"{self._done} of {self._total} {self._units}, {rate:.0f} a second, {left} left")
            self._said = now

    def _print(self, line: str, last: bool = False) -> None:
        print(f"{_ERASE if self._terminal else ''}{line}", end="" if self._terminal and not last else "\n", flush=True)


def _duration(seconds: float) -> str:
    """Seconds, from two minutes on as hours:minutes:seconds."""
    return f"{seconds:.0f} s" if seconds < 120 else str(datetime.timedelta(seconds=round(seconds)))
