"""The one error that means "the input is wrong": main.py prints its sentence and exits with code 2."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(ValueError):
    """Unusable input: one sentence with what came, what was expected and how to mend it."""
