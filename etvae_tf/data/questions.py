"""Questions that volunteers were asked: what can be answered, and where each question's votes lie in a row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

__all__ = ["Question", "Questions"]


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: such as "smooth-or-featured".
        answers: their names, two or more.
    """

    name: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Questions:
    """Q questions, whose votes lie side by side: rows of K numbers, K the number of all answers.

    Attributes:
        each: the questions, in the order of their votes.
    """

    each: tuple[Question, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of all K answers, in the order of their votes."""
        return tuple(answer for question in self.each for answer in question.answers)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many answers each question has: Q numbers, K in all."""
        return tuple(len(question.answers) for question in self.each)

    @property
    def slices(self) -> dict[str, slice]:
        """Where the votes of each question lie in a row, by its name."""
        ends = list(accumulate(self.counts))
        starts = [0, *ends[:-1]]
        return {one.name: slice(start, end) for one, start, end in zip(self.each, starts, ends, strict=True)}

    def fractions(self, votes: np.ndarray) -> np.ndarray:
        """Votes (N, K) over each question's total: float64 array (N, K), NaN where nobody was asked."""
        votes = np.asarray(votes, np.float64)
        shares = np.full_like(votes, np.nan)
        for place in self.slices.values():
            total = votes[:, place].sum(axis=1, keepdims=True)
            np.divide(votes[:, place], total, out=shares[:, place], where=total > 0)
        return shares
