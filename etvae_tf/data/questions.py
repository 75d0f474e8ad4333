"""Questions that volunteers were asked: what can be answered, after which answers, and where the votes lie in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from etvae_tf.errors import InputError

__all__ = ["FEWEST_VOTES", "Question", "Questions", "named_questions"]

FEWEST_VOTES = 10  # on a question that not everyone is asked; the fractions of fewer say little, and are not scored


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        name: such as "smooth-or-featured".
        answers: their names, two or more.
        asked_after: answers of an earlier question, of which a volunteer gave one to be asked this; () for everyone.
    """

    name: str
    answers: tuple[str, ...]
    asked_after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Questions:
    """Q questions, whose votes lie side by side: rows of K numbers, K the number of all answers.

    Attributes:
        each: the questions, in the order of their votes; a question comes after the one whose answers lead to it, or
            without it.

    Raises:
        InputError: two questions or answers of one name, or a question before the one that leads to it.
    """

    each: tuple[Question, ...]

    def __post_init__(self):
        for what, names in (("question", [one.name for one in self.each]), ("answer", list(self.answers))):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise InputError(f"more than one {what} is called {', '.join(twice)}; give each a name of its own.")
        for (name, place), after in zip(self.slices.items(), self.parents, strict=True):
            if any(parent >= place.start for parent in after):
                raise InputError(f"the question {name} comes before the one that leads to it; change their order.")

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

    @property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """For each question, where in a row the answers lie that lead to it; () where none of them is here."""
        places = {answer: place for place, answer in enumerate(self.answers)}
        return tuple(tuple(places[answer] for answer in one.asked_after if answer in places) for one in self.each)

    def asked(self, votes: np.ndarray) -> np.ndarray:
        """Which questions galaxies with votes (N, K) have a voted fraction on: bool array (N, Q).

        Any vote is enough on a question for everyone; `FEWEST_VOTES` are on one that others lead to.
        """
        totals = np.stack([np.asarray(votes)[:, place].sum(axis=1) for place in self.slices.values()], axis=1)
        return np.where([bool(one.asked_after) for one in self.each], totals >= FEWEST_VOTES, totals > 0)

    def fractions(self, votes: np.ndarray) -> np.ndarray:
        """Votes (N, K) over each question's total: float64 array (N, K), NaN where `asked` is false."""
        votes = np.asarray(votes, np.float64)
        shares = np.full_like(votes, np.nan)
        for place, asked in zip(self.slices.values(), self.asked(votes).T, strict=True):
            total = votes[:, place].sum(axis=1, keepdims=True)
            np.divide(votes[:, place], total, out=shares[:, place], where=asked[:, None])
        return shares

    def mean_fractions(self, votes: np.ndarray) -> np.ndarray:
        """Mean voted fraction of each answer over galaxies with votes (N, K): float64 array (K,).

        Equal ones for a question that no galaxy has a voted fraction on.
        """
        fractions = self.fractions(votes)
        equal = np.repeat(1 / np.array(self.counts), self.counts)
        known = np.isfinite(fractions).any(axis=0)
        return np.nanmean(np.where(known, fractions, equal), axis=0)

    def joint(self, fractions: np.ndarray) -> np.ndarray:
        """Fractions (N, K) of those asked times the chance to be asked, down the tree: float array (N, K)."""
        joint = np.array(fractions)
        for place, parents in zip(self.slices.values(), self.parents, strict=True):
            if parents:
                joint[:, place] *= joint[:, list(parents)].sum(axis=1, keepdims=True)
        return joint


def named_questions(answers: Mapping[str, Sequence[str]], asked_after: Mapping[str, Sequence[str]]) -> Questions:
    """Questions as files keep them.

    Args:
        answers: of each question, by its name.
        asked_after: answers that lead to a question, by its name; none for one that everyone is asked.
    """
    return Questions(
        tuple(Question(name, tuple(found), tuple(asked_after.get(name, ()))) for name, found in answers.items())
    )
