"""The one error that means "the input is wrong": main.py prints its sentence and exits with code 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["InputError", "Problems"]

_SHOWN = 10  # problems of one input


class InputError(ValueError):
    """Unusable input: one sentence with what came, what was expected and how to mend it.

    Args:
        problems: that sentence, or several, which are shown on a line each, ten at most.
    """

    def __str__(self) -> str:
        if len(self.args) < 2:
            return super().__str__()
        more = [f"and {len(self.args) - _SHOWN} more"] if len(self.args) > _SHOWN else []
        return "\n- ".join([f"{len(self.args)} problems:", *self.args[:_SHOWN], *more])


class Problems:
    """What is wrong with several inputs, to be said at once."""

    def __init__(self):
        self._found: list[str] = []

    def attempt(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """What a call gives; None where it raises an `InputError`, which is kept."""
        try:
            return call(*arguments)
        except InputError as error:
            self._found += error.args
            return None

    def refuse(self) -> None:
        """Raises what was kept.

        Raises:
            InputError: anything was.
        """
        if self._found:
            raise InputError(*self._found)
