"""Which columns of a table hold votes: the conventions in use.

Sources: Galaxy Zoo 1 (Lintott et al. 2011, MNRAS 410, 166), Galaxy Zoo 2 (Hart et al. 2016, MNRAS 461, 3663), the
Kaggle Galaxy Zoo challenge (2014), CANDELS (Simmons et al. 2017, MNRAS 464, 4420), galaxy-datasets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from etvae_tf.data.questions import Question
from etvae_tf.errors import InputError

__all__ = [
    "ID_COLUMNS",
    "KINDS",
    "SMOOTH_OR_FEATURED",
    "VoteColumns",
    "find_vote_columns",
    "knows_columns",
    "label_kind",
]

SMOOTH_OR_FEATURED = Question("smooth-or-featured", ("smooth", "featured_or_disk", "artifact"))
_GALAXY_ZOO_1 = Question("galaxy-zoo-1", ("elliptical", "clockwise", "anticlockwise", "edge_on", "dont_know", "merger"))
_FLAGS = Question("galaxy-zoo-1", ("spiral", "elliptical", "uncertain"))
KINDS = ("auto", "counts", "fractions")
ID_COLUMNS = ("id", "GalaxyID", "id_str", "asset_id", "dr7objid", "iauname", "file_loc")
_KAGGLE = r"Class\d+\.\d+"
FRACTION_SUM_ATOL = 0.01  # published fractions are rounded, some to two digits

# Name, question, label kind, and one pattern per answer; a group in the pattern tells campaigns apart.
_CONVENTIONS = (
    ("Kaggle", SMOOTH_OR_FEATURED, "fractions", (r"Class1\.1", r"Class1\.2", r"Class1\.3")),
    (
        "Hart 2016",
        SMOOTH_OR_FEATURED,
        "counts",
        (
            r"t01_smooth_or_features_a01_smooth_count",
            r"t01_smooth_or_features_a02_features_or_disk_count",
            r"t01_smooth_or_features_a03_star_or_artifact_count",
        ),
    ),
    (
        "CANDELS",
        SMOOTH_OR_FEATURED,
        "fractions",
        tuple(f"t00_smooth_or_featured_{answer}_frac" for answer in ("a0_smooth", "a1_features", "a2_artifact")),
    ),
    (
        "galaxy-datasets",
        SMOOTH_OR_FEATURED,
        "counts",
        (
            r"smooth-or-featured(?:-([^_]+))?_smooth",
            r"smooth-or-featured(?:-([^_]+))?_(?:features|featured-or-dis[ck])",
            r"smooth-or-featured(?:-([^_]+))?_(?:problem|artifact|star-or-artifact|star-artifact-zoom)",
        ),
    ),
)
# The same questions, in tables that have no counts: fractions as they were voted or, after Hart et al., debiased.
_FRACTION_CONVENTIONS = tuple(
    (
        f"{name} {ending}",
        question,
        "fractions",
        tuple(f"{pattern.removesuffix('_count')}_{ending}" for pattern in patterns),
    )
    for name, question, kind, patterns in _CONVENTIONS
    if kind == "counts"
    for ending in ("fraction", "weighted_fraction", "debiased")
)
# Of single words, which other tables may have for other things: all of them must be there, and nothing better.
_PLAIN_CONVENTIONS = (
    ("Galaxy Zoo 1", _GALAXY_ZOO_1, "fractions", ("p_el", "p_cw", "p_acw", "p_edge", "p_dk", "p_mg")),
    ("Galaxy Zoo 1 flags", _FLAGS, "counts", ("spiral", "elliptical", "uncertain")),
)
_CAMPAIGN = re.compile(r"-[^-_]+(?=_)")  # in smooth-or-featured-dr5_smooth


@dataclass(frozen=True)
class VoteColumns:
    """Where a table keeps its votes.

    Attributes:
        question: whose votes they are.
        columns: K column names, in the order of the answers.
        kind: "counts", "fractions", "fractions of those asked" (times the share of volunteers who were asked), or
            "auto" where only the values can tell.
        others: K column names each, of other campaigns that asked the same; their votes are added.
    """

    question: Question
    columns: tuple[str, ...]
    kind: str = "auto"
    others: tuple[tuple[str, ...], ...] = ()


def find_vote_columns(columns: Sequence[str], answer_columns: Sequence[str] = ()) -> VoteColumns:
    """Finds the columns that hold votes.

    Args:
        columns: the table's column names.
        answer_columns: the columns to take, two or more; empty to look for the known conventions.

    Returns:
        The columns, their questions, and the label kind where the convention states it.

    Raises:
        InputError: a column is missing, no convention fits, or more than one does.
    """
    if answer_columns:
        return _named_columns(columns, tuple(answer_columns))
    matches = _known(columns)
    if not matches:
        raise InputError(
            f"the table has the columns {_some(columns)}, none of which holds votes in a known way (Kaggle, "
            "Hart 2016, CANDELS, galaxy-datasets, Galaxy Zoo 1); name its vote columns with "
            "--config.data.answer_columns."
        )
    if len({match.convention for match in matches}) > 1:
        raise InputError(
            f"the table holds more than one set of labels ({'; '.join(match.name for match in matches)}); "
            "name the columns of one of them with --config.data.answer_columns."
        )
    for match in matches:
        missing = [answer for answer, column in zip(match.question.answers, match.found, strict=True) if column is None]
        if missing:
            raise InputError(
                f"the table has {match.name} votes but no column for {', '.join(missing)}; add it, or name the vote "
                "columns with --config.data.answer_columns."
            )
    first, *others = matches
    return VoteColumns(first.question, tuple(first.found), first.kind, tuple(tuple(other.found) for other in others))


def label_kind(values: np.ndarray, requested: str = "auto", stated: str = "auto") -> str:
    """Tells counts from fractions.

    Args:
        values: float array (N, K), finite and >= 0.
        requested: one of `KINDS`; "auto" to decide by the convention, else by the values.
        stated: the kind that the column names state, or "auto".

    Returns:
        "fractions" (every row within [0, 1] and summing to 1 or 0, or to anything where fractions are requested) or
        "counts"; zeros and ones alone are counts where nothing else is said.

    Raises:
        InputError: an unknown kind, a kind that the values or the columns contradict, or two kinds mixed.
    """
    if requested not in KINDS:
        raise InputError(f"label_kind={requested!r}, expected one of {', '.join(KINDS)}.")
    if "auto" not in (requested, stated) and requested != stated:
        raise InputError(f"label_kind={requested!r}, but the vote columns hold {stated}; use label_kind='auto'.")
    sums = values.sum(axis=1)
    fractions = bool(np.all((np.abs(sums - 1) <= FRACTION_SUM_ATOL) | (sums == 0)))
    kind = requested if requested != "auto" else stated
    if kind == "auto":
        one_each = np.all(values == np.round(values))  # 0 and 1: a vote each, not a fraction of many
        kind = "fractions" if fractions and not one_each else "counts"
    if kind == "fractions" and not fractions and (requested != "fractions" or values.max() > 1):
        worst = sums[np.argmax(np.abs(sums - 1) * (sums != 0))]
        percentages = np.all((np.abs(sums - 100) <= 100 * FRACTION_SUM_ATOL) | (sums == 0))
        mend = (
            "divide percentages by 100."
            if percentages
            else "check the answer columns, or, where they shall be divided by their sum, set "
            "--config.data.label_kind=fractions."
        )
        raise InputError(f"vote fractions sum to {worst:g} in a row, expected 1; {mend}")
    if kind == "counts" and requested != "counts" and not np.all(values == np.round(values)):
        mend = (
            "fractions, which divides them by their sum"
            if values.max() <= 1  # as counts they would be half a vote a galaxy
            else "counts for weighted counts"
        )
        raise InputError(
            "the votes are neither whole counts nor fractions that sum to 1 in every row, so two label kinds "
            "seem mixed; name columns of one kind with --config.data.answer_columns, or set "
            f"--config.data.label_kind={mend}."
        )
    return kind


def knows_columns(columns: Sequence[str]) -> bool:
    """Whether `find_vote_columns` knows a convention that any of the columns follows."""
    return bool(_known(columns))


class _Match(NamedTuple):
    """A campaign of a convention, of which at least one column is there."""

    convention: str
    name: str
    question: Question
    kind: str
    found: list[str | None]


def _known(columns: Sequence[str]) -> list[_Match]:
    plain = [match for convention in _PLAIN_CONVENTIONS for match in _matches(columns, *convention)]
    for conventions in (_CONVENTIONS, _FRACTION_CONVENTIONS):
        if matches := [match for convention in conventions for match in _matches(columns, *convention)]:
            return matches
    return [match for match in plain if None not in match.found][:1]


def _matches(
    columns: Sequence[str], convention: str, question: Question, kind: str, patterns: Sequence[str]
) -> list[_Match]:
    """One for each campaign."""
    campaigns: dict[str, list[str | None]] = {}
    for index, pattern in enumerate(patterns):
        for column in columns:
            if match := re.fullmatch(pattern, column, re.IGNORECASE):
                campaign = " ".join((convention, *filter(None, match.groups())))
                campaigns.setdefault(campaign, [None] * len(patterns))[index] = column
    return [_Match(convention, name, question, kind, found) for name, found in campaigns.items()]


def _of_other_campaigns(columns: Sequence[str], answer_columns: tuple[str, ...]) -> tuple[str, ...]:
    """Columns that say the same as those named, of the one other campaign that the table has; else those named."""

    def forms(column: str) -> set[str]:
        return {column, _CAMPAIGN.sub("", column)}

    found = [[one for one in columns if one != name and forms(one) & forms(name)] for name in answer_columns]
    campaigns = {tuple(_CAMPAIGN.findall(one)) for ones in found for one in ones}
    there = any(name in columns for name in answer_columns)
    if there or len(campaigns) != 1 or any(len(ones) != 1 for ones in found):
        return answer_columns
    return tuple(one for (one,) in found)


def _named_columns(columns: Sequence[str], answer_columns: tuple[str, ...]) -> VoteColumns:
    names, answer_columns = answer_columns, _of_other_campaigns(columns, answer_columns)
    if names != answer_columns:
        print(f"{', '.join(answer_columns)} stand for {', '.join(names)}", flush=True)
    missing = [column for column in answer_columns if column not in columns]
    if missing:
        raise InputError(f"the table has no column {', '.join(missing)}; its columns are {_some(columns)}.")
    if len(set(answer_columns)) < max(2, len(answer_columns)):
        raise InputError(
            f"answer_columns={','.join(answer_columns)}, expected two or more different columns, one per answer, or "
            "one column of words."
        )
    kaggle = all(re.fullmatch(_KAGGLE, column) for column in answer_columns)
    kind = "fractions of those asked" if kaggle else "auto"
    return VoteColumns(Question("answer_columns", names), answer_columns, kind)


def _some(names: Sequence[str], limit: int = 8) -> str:
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")
