"""How far long work is: a bar on a terminal, plain lines in a log file."""

from __future__ import annotations

import sys
import time
from typing import Protocol

import keras

__all__ = ["Progress", "progress"]

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """What tells how far the work is."""

    def add(self, n: int) -> None:
        """Says that n more units are done."""


def progress(total: int, unit_name: str) -> Progress:
    """Starts telling on standard output how far the work is.

    Args:
        total: units of work, > 0.
        unit_name: one of them, e.g. "picture"; its plural takes an s.

    Returns:
        Keras's bar on a terminal. Elsewhere what prints a line at most every ten seconds and one at the end: the bar's
        control characters would fill a log file.
    """
    return keras.utils.Progbar(total, unit_name=unit_name) if sys.stdout.isatty() else _Lines(total, unit_name)


class _Lines:
    def __init__(self, total: int, unit_name: str):
        self._total, self._units = total, f"{unit_name}s"
        self._done = 0
        self._start = self._said = time.perf_counter()

    def add(self, n: int) -> None:
        self._done += n
        now = time.perf_counter()
        rate = self._done / max(now - self._start, 1e-3)
        if self._done >= self._total:
            print(f"{self._done} {self._units} in {now - self._start:.0f} s, {rate:.0f} a second", flush=True)
        elif now - self._said >= _SECONDS_BETWEEN_LINES and self._done:
            left = (self._total - self._done) / rate
            print(f"{self._done} of {self._total} {self._units}, {rate:.0f} a second, {left:.0f} s left", flush=True)
            self._said = now
