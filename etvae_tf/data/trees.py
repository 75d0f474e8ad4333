"""Decision trees of Galaxy Zoo: which questions follow which answers, and the columns that hold their votes.

Sources: Willett et al. 2013 (MNRAS 435, 2835, table 2) for the tree of Galaxy Zoo 2, whose tasks the Kaggle challenge
(Class1.1 to Class11.6) and Hart et al. 2016 (t01 to t11, a01 to a38) number; Walmsley et al. 2022 (MNRAS 509, 3966) for
that of GZ DECaLS, whose columns galaxy-datasets writes as QUESTION-CAMPAIGN_ANSWER. Two questions that follow each
other without a choice hang on the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from etvae_tf.data.questions import Question
from etvae_tf.data.schema import SMOOTH_OR_FEATURED, VoteColumns, find_vote_columns
from etvae_tf.errors import InputError

__all__ = ["find_tree", "own_questions"]

_EDGE_ON, _FACE_ON = ("disk-edge-on_yes",), ("disk-edge-on_no",)
_SPIRAL = ("has-spiral-arms_yes",)
# Task of Galaxy Zoo 2, question, and its answers in the order of Kaggle's columns with their numbers in Hart et al. The
# first question is `SMOOTH_OR_FEATURED` of `schema`.
_GALAXY_ZOO_2 = (
    (2, "disk-edge-on", {"yes": 4, "no": 5}),
    (3, "bar", {"yes": 6, "no": 7}),
    (4, "has-spiral-arms", {"yes": 8, "no": 9}),
    (5, "bulge-size", {"no": 10, "just-noticeable": 11, "obvious": 12, "dominant": 13}),
    (6, "something-odd", {"yes": 14, "no": 15}),
    (7, "how-rounded", {"round": 16, "in-between": 17, "cigar": 18}),
    (
        8,
        "odd-feature",
        {"ring": 19, "lens-or-arc": 20, "disturbed": 21, "irregular": 22, "other": 23, "merger": 24, "dust-lane": 38},
    ),
    (9, "bulge-shape", {"round": 25, "boxy": 26, "no": 27}),
    (10, "spiral-winding", {"tight": 28, "medium": 29, "loose": 30}),
    (11, "spiral-arm-count", {"1": 31, "2": 32, "3": 33, "4": 34, "more-than-4": 36, "cant-tell": 37}),
)
_ASKED_AFTER = {  # questions in the names of galaxy-datasets, a parent before its children
    "disk-edge-on": ("featured_or_disk",),
    "has-spiral-arms": _FACE_ON,
    "bar": _FACE_ON,
    "bulge-size": _FACE_ON,
    "how-rounded": ("smooth",),
    "edge-on-bulge": _EDGE_ON,
    "bulge-shape": _EDGE_ON,
    "spiral-winding": _SPIRAL,
    "spiral-arm-count": _SPIRAL,
    "merging": ("smooth", "featured_or_disk"),
    "something-odd": (),
    "odd-feature": ("something-odd_yes",),
}
_NO_ANSWERS = ("total-votes", "total")


def find_tree(columns: Sequence[str], questions: Sequence[str]) -> list[VoteColumns]:
    """Finds questions of a known decision tree, each after the one that leads to it.

    Args:
        columns: the table's column names; a question that lacks one of its columns is not there.
        questions: names of those that are wanted, or "all".

    Raises:
        InputError: one of them is not there.
    """
    beyond = [*_kaggle(columns), *_hart(columns)] or _named(columns)
    first, everything = SMOOTH_OR_FEATURED.name, tuple(questions) == ("all",)
    there = [first, *(one.question.name for one in beyond)]
    if unknown := [name for name in questions if name not in there and not everything]:
        raise InputError(
            f"data.questions names {', '.join(unknown)}, but the table has {', '.join(there)}; name some of these, or "
            "all, or list the columns of your own questions with --config.data.answer_columns."
        )
    found = [find_vote_columns(columns)] if everything or first in questions else []
    return found + [one for one in beyond if everything or one.question.name in questions]


def own_questions(columns: Sequence[str], answer_columns: Sequence[str]) -> list[VoteColumns]:
    """Several questions in the user's own columns: `a,b,c; d,e < b` are two, the second asked after answer b.

    Args:
        columns: the table's column names.
        answer_columns: column names; ";" stands between questions, and "<" before the answers that lead to one, with
            "|" between these. The answers are called as their columns.

    Returns:
        The questions in their order; none where there is neither ";" nor "<" in the column names.

    Raises:
        InputError: a column is missing, or a question is asked after what no earlier question answers.
    """
    text = ",".join(answer_columns)
    if ";" not in text and "<" not in text:
        return []
    found: list[VoteColumns] = []
    for number, part in enumerate(text.split(";"), start=1):
        own, _, after = part.partition("<")
        names, parents = _names(own, ","), _names(after, "|")
        known = [answer for one in found for answer in one.question.answers]
        if unknown := [name for name in parents if name not in known]:
            raise InputError(
                f"answer_columns has {part.strip()!r}, asked after {', '.join(unknown)}, but the questions before it "
                f"have the answers {', '.join(known) or 'none'}; name some of these after '<'."
            )
        if not names:
            raise InputError(f"answer_columns={text!r} has a question without columns; leave out its ';' or name some.")
        one = find_vote_columns(columns, names)
        found.append(replace(one, question=replace(one.question, name=f"question_{number}", asked_after=parents)))
    return found


def _names(text: str, separator: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(separator) if name.strip())


def _kaggle(columns: Sequence[str]) -> list[VoteColumns]:
    found, spelt = [], {column.lower(): column for column in columns}
    for task, name, answers in _GALAXY_ZOO_2:
        cells = tuple(spelt.get(f"class{task}.{number}") for number in range(1, len(answers) + 1))
        if None not in cells:
            found.append(VoteColumns(_question(name, answers), cells, "fractions of those asked"))
    return found


def _hart(columns: Sequence[str]) -> list[VoteColumns]:
    found = []
    for task, name, answers in _GALAXY_ZOO_2:
        patterns = [re.compile(rf"t{task:02}_.+_a{number:02}_.+_count", re.IGNORECASE) for number in answers.values()]
        cells = [next(filter(pattern.fullmatch, columns), None) for pattern in patterns]
        if None not in cells:
            found.append(VoteColumns(_question(name, answers), tuple(cells), "counts"))
    return found


def _named(columns: Sequence[str]) -> list[VoteColumns]:
    """Questions in the columns of galaxy-datasets; campaigns that had the same answers are put together."""
    pattern = re.compile(rf"({'|'.join(_ASKED_AFTER)})(-[^-_]+)?_([^_]+)", re.IGNORECASE)
    campaigns: dict[tuple[str, str], dict[str, str]] = {}
    for column in columns:
        if (match := pattern.fullmatch(column)) and match[3] not in _NO_ANSWERS:
            campaigns.setdefault((match[1].lower(), match[2] or ""), {})[match[3].lower()] = column
    together: dict[str, list[dict[str, str]]] = {}
    for (name, _), cells in campaigns.items():
        if len(cells) > 1:
            together.setdefault(name, []).append(cells)
    found = []
    for name in (name for name in _ASKED_AFTER if name in together):
        asked = together[name]
        answers = list(max(asked, key=len))
        same = [cells for cells in asked if set(cells) == set(answers)]
        if others := [column for cells in asked if cells not in same for column in cells.values()]:
            print(
                f"{name}: {', '.join(others)} have other answers than {', '.join(answers)}, and are left out",
                flush=True,
            )
        first, *others = (tuple(one[answer] for answer in answers) for one in same)
        found.append(VoteColumns(_question(name, answers), first, "counts", tuple(others)))
    return found


def _question(name: str, answers: Sequence[str]) -> Question:
    return Question(name, tuple(f"{name}_{answer}" for answer in answers), _ASKED_AFTER[name])
