"""Decision trees in the columns of published tables, and in a user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etvae_tf.data import read_catalogue
from etvae_tf.data.trees import find_tree, own_questions
from etvae_tf.errors import InputError

KAGGLE = [
    f"Class{task}.{number}" for task, last in ((1, 3), (2, 2), (6, 2), (7, 3), (8, 7)) for number in range(1, last + 1)
]
HART = [
    "t01_smooth_or_features_a01_smooth_count",
    "t01_smooth_or_features_a02_features_or_disk_count",
    "t01_smooth_or_features_a03_star_or_artifact_count",
    "t04_spiral_a08_spiral_count",
    "t04_spiral_a09_no_spiral_count",
    "t02_edgeon_a04_yes_count",
    "t02_edgeon_a05_no_count",
    "t02_edgeon_a05_no_fraction",
    "t03_bar_a06_bar_count",
]
NAMED = [
    "smooth-or-featured-dr5_smooth",
    "smooth-or-featured-dr5_featured-or-disk",
    "smooth-or-featured-dr5_artifact",
    "spiral-winding-dr5_tight",
    "spiral-winding-dr5_loose",
    "has-spiral-arms-dr5_yes",
    "has-spiral-arms-dr5_no",
    "has-spiral-arms-dr5_total-votes",
    "disk-edge-on-dr5_yes",
    "disk-edge-on-dr5_no",
]
FIRST = "smooth-or-featured"


@pytest.mark.parametrize(
    ("columns", "questions"),
    [
        (KAGGLE, [FIRST, "disk-edge-on", "something-odd", "how-rounded", "odd-feature"]),
        ([column.lower() for column in KAGGLE], [FIRST, "disk-edge-on", "something-odd", "how-rounded", "odd-feature"]),
        (HART, [FIRST, "disk-edge-on", "has-spiral-arms"]),
        (NAMED, [FIRST, "disk-edge-on", "has-spiral-arms", "spiral-winding"]),
    ],
    ids=["Kaggle", "Kaggle, small letters", "Hart", "galaxy-datasets"],
)
def test_published_trees_are_found_from_the_first_question_down(columns: list[str], questions: list[str]) -> None:
    found = find_tree(columns, ("all",))
    assert sorted(one.question.name for one in found) == sorted(questions)
    known: set[str] = set()
    for one in found:
        assert set(one.question.asked_after) <= known, "a question comes after the one that leads to it"
        assert len(one.columns) == len(one.question.answers) and set(one.columns) <= set(columns)
        known |= set(one.question.answers)


def test_questions_are_chosen_by_name() -> None:
    (rounded,) = find_tree(KAGGLE, ("how-rounded",))
    assert rounded.columns == ("Class7.1", "Class7.2", "Class7.3")
    assert rounded.question.answers == ("how-rounded_round", "how-rounded_in-between", "how-rounded_cigar")
    with pytest.raises(InputError, match="names bar, but the table has smooth-or-featured, disk-edge-on"):
        find_tree(KAGGLE, ("bar",))


def test_campaigns_with_the_same_answers_are_put_together() -> None:
    columns = [f"{name.replace('dr5', campaign)}" for campaign in ("dr5", "dr8") for name in NAMED]
    found = {one.question.name: one for one in find_tree(columns, ("all",))}
    assert found["disk-edge-on"].columns == ("disk-edge-on-dr5_yes", "disk-edge-on-dr5_no")
    assert found["disk-edge-on"].others == (("disk-edge-on-dr8_yes", "disk-edge-on-dr8_no"),)


def test_a_campaign_with_other_answers_is_left_out_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [*NAMED, "bar-gz2_yes", "bar-gz2_no", "bar-dr5_strong", "bar-dr5_weak", "bar-dr5_no"]
    (bar,) = find_tree(columns, ("bar",))
    assert bar.columns == ("bar-dr5_strong", "bar-dr5_weak", "bar-dr5_no") and not bar.others
    said = capsys.readouterr().out
    assert said == "bar: bar-gz2_yes, bar-gz2_no have other answers than strong, weak, no, and are left out\n"


def test_own_questions_are_written_with_what_they_are_asked_after() -> None:
    first, second, third = own_questions(list("abcdefg"), ("a", "b", "c; d", "e < b|c;f", "g"))
    assert first.columns == ("a", "b", "c") and not first.question.asked_after
    assert second.question.answers == ("d", "e") and second.question.asked_after == ("b", "c")
    assert third.columns == ("f", "g")
    assert own_questions(list("abc"), ("a", "b", "c")) == [], "one question is read as before"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (("a", "b; c", "d < x"), "asked after x, but the questions before it have the answers a, b"),
        (("a", "b < a"), "the questions before it have the answers none"),
        (("a", "b;"), "has a question without columns"),
        (("a", "b; c", "z"), "no column z"),
    ],
)
def test_impossible_own_questions_are_refused(written: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        own_questions(list("abcd"), written)


def test_votes_of_a_tree_are_read_side_by_side(tmp_path: Path) -> None:
    rows = {
        "GalaxyID": [1, 2],
        "Class1.1": [0.5, 1.0], "Class1.2": [0.25, 0.0], "Class1.3": [0.25, 0.0],
        "Class7.1": [0.5, 0.25], "Class7.2": [0.0, 0.75], "Class7.3": [0.0, 0.0],
    }  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "kaggle.csv", index=False)
    catalogue = read_catalogue(tmp_path / "kaggle.csv", questions=("all",))
    np.testing.assert_array_equal(catalogue.votes, [[20, 10, 10, 20, 0, 0], [40, 0, 0, 10, 30, 0]])
    assert list(catalogue.questions.slices) == [FIRST, "how-rounded"] and catalogue.questions.parents == ((), (0,))


def test_a_galaxy_may_miss_a_question_but_not_half_of_one(tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": ["x", "y"], "a": [3, 4], "b": [1, 0], "c": [None, 2.0], "d": [None, 2.0]})
    rows.to_csv(tmp_path / "own.csv", index=False)
    catalogue = read_catalogue(tmp_path / "own.csv", answer_columns=("a", "b; c", "d < a"))
    np.testing.assert_array_equal(catalogue.votes, [[3, 1, 0, 0], [4, 0, 2, 2]])
    rows.assign(c=[1.0, 2.0]).to_csv(tmp_path / "half.csv", index=False)
    with pytest.raises(InputError, match="1 galaxies whose votes are missing"):
        read_catalogue(tmp_path / "half.csv", answer_columns=("a", "b; c", "d < a"))
