"""The one error that means "the input is wrong": main.py prints its sentence and exits with code 2."""

from __future__ import annotations

__all__ = ["InputError"]


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
