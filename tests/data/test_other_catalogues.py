"""Tables in rarer forms: Galaxy Zoo 1, zeros and ones, a column of classes, several campaigns, and many problems."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from etvae_tf.data.catalogue import read_catalogue
from etvae_tf.errors import InputError

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def read(tmp_path):
    """Writes a table of NAMES and reads its catalogue."""

    def write_and_read(columns, **options):
        pd.DataFrame({"objid": NAMES, **columns}).to_csv(tmp_path / "t.csv", index=False)
        return read_catalogue(tmp_path / "t.csv", **{"picture_names": NAMES, **options})

    return write_and_read


def test_candels_fractions(read):
    names = [f"t00_smooth_or_featured_{answer}" for answer in ("a0_smooth", "a1_features", "a2_artifact")]
    columns = {
        f"{name}_{kind}": value
        for name, value in zip(names, (0.5, 0.375, 0.125), strict=True)
        for kind in ("frac", "weighted_frac")
    }
    catalogue = read({**columns, "t00_smooth_or_featured_count": 80})
    assert catalogue.questions.answers == ("smooth", "featured_or_disk", "artifact") and catalogue.kind == "fractions"
    assert catalogue.votes.tolist() == [[20, 15, 5]] * 4


@pytest.mark.parametrize("ending", ["fraction", "weighted_fraction", "debiased"])
@pytest.mark.parametrize(
    "pattern",
    [
        (
            "t01_smooth_or_features_a01_smooth",
            "t01_smooth_or_features_a02_features_or_disk",
            "t01_smooth_or_features_a03_star_or_artifact",
        ),
        ("smooth-or-featured-dr8_smooth", "smooth-or-featured-dr8_featured-or-disk", "smooth-or-featured-dr8_artifact"),
        ("smooth-or-featured_smooth", "smooth-or-featured_features", "smooth-or-featured_problem"),
    ],
)
def test_fractions_are_read_where_there_are_no_counts(read, pattern, ending):
    fractions = {f"{name}_{ending}": value for name, value in zip(pattern, (0.5, 0.375, 0.125), strict=True)}
    catalogue = read(fractions)
    assert catalogue.kind == "fractions" and catalogue.votes.tolist() == [[20, 15, 5]] * 4
    end = "_count" if pattern[0].startswith("t01") else ""
    counts = {f"{name}{end}": value for name, value in zip(pattern, (3, 2, 1), strict=True)}
    catalogue = read({**fractions, **counts})
    assert catalogue.kind == "counts" and catalogue.votes.tolist() == [[3, 2, 1]] * 4
    others = {name.replace(ending, "debiased" if ending != "debiased" else "fraction"): 0.25 for name in fractions}
    with pytest.raises(InputError, match="more than one set of labels"):
        read({**fractions, **others})


def test_percentages_are_named(read):
    names = ("smooth-or-featured_smooth", "smooth-or-featured_features", "smooth-or-featured_problem")
    with pytest.raises(InputError, match="sum to 100 in a row, expected 1; divide percentages by 100"):
        read({f"{name}_fraction": value for name, value in zip(names, (50.5, 37.0, 12.5), strict=True)})


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_galaxy_zoo_1_fractions(read, case):
    columns = {"p_el": 0.5, "p_cw": 0.25, "p_acw": 0.0, "p_edge": 0.125, "p_dk": 0.125, "p_mg": 0.0}
    combined = {"nvote": 40, "p_cs": 0.375, "p_cs_debiased": 0.3, "spiral": 0, "elliptical": 1, "uncertain": 0}
    table = {case(name): [value] * 4 for name, value in {**combined, **columns}.items()}
    catalogue = read(table, pseudo_count=8)
    assert catalogue.kind == "fractions"
    assert catalogue.questions.answers == ("elliptical", "clockwise", "anticlockwise", "edge_on", "dont_know", "merger")
    np.testing.assert_allclose(catalogue.votes, [[4, 2, 0, 1, 1, 0]] * 4)


def test_galaxy_zoo_1_flags_are_one_vote_each(read):
    catalogue = read({"SPIRAL": [1, 0, 0, 0], "ELLIPTICAL": [0, 1, 0, 0], "UNCERTAIN": [0, 0, 1, 0]})
    assert catalogue.questions.answers == ("spiral", "elliptical", "uncertain") and catalogue.kind == "counts"
    np.testing.assert_array_equal(catalogue.votes, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_zeros_and_ones_are_one_vote_each(read):
    columns = {"merger": [1, 0, 0, 1], "alone": [0, 1, 1, 0]}
    catalogue = read(columns, answer_columns=("merger", "alone"))
    assert catalogue.kind == "counts"
    np.testing.assert_array_equal(catalogue.votes, [[1, 0], [0, 1], [0, 1], [1, 0]])
    assert read(columns, answer_columns=("merger", "alone"), kind="fractions").votes.max() == 40  # on request


@pytest.mark.parametrize(("column", "asked"), [("Class", ()), ("gz2_class", ("gz2_class",))])
def test_a_column_of_words_is_one_vote_each(read, column, asked, capsys):
    catalogue = read({column: ["Spiral", " Elliptical", None, "Spiral"]}, answer_columns=asked)
    assert catalogue.questions.answers == ("Elliptical", "Spiral") and catalogue.kind == "counts"
    np.testing.assert_array_equal(catalogue.votes, [[0, 1], [1, 0], [0, 0], [0, 1]])
    assert "1 of 4 galaxies have no answer and are unlabelled" in capsys.readouterr().out


def test_columns_of_votes_come_before_a_column_of_words(read):
    votes = {f"Class1.{number}": [1.0 / 3] * 4 for number in (1, 2, 3)}
    assert read({"label": ["x", "y", "x", "y"], **votes}).kind == "fractions"


def test_votes_of_several_campaigns_are_added(read, capsys):
    nan = np.nan
    votes = {"dr5": ([3, nan, nan, 2], [1, nan, nan, 2], [0, nan, nan, 0]), "dr8": ([nan, nan, 4, 1],) * 3}
    ends = ("smooth", "featured-or-disk", "artifact")
    columns = {f"smooth-or-featured-{one}_{end}": votes[one][place] for one in votes for place, end in enumerate(ends)}
    catalogue = read(columns)
    np.testing.assert_array_equal(catalogue.votes, [[3, 1, 0], [0, 0, 0], [4, 4, 4], [3, 3, 1]])
    printed = capsys.readouterr().out
    assert "the votes of 2 campaigns are added" in printed and "1 of 4 galaxies have no answer" in printed
    columns["smooth-or-featured-dr8_artifact"] = [nan, 1, 4, 1]
    with pytest.raises(InputError, match=r"1 galaxies whose votes are missing or not a number \(ids b\)"):
        read(columns)


def test_columns_of_another_campaign_stand_for_those_named(read, capsys):
    """So that a run on one campaign is scored on another's votes."""
    ends = ("artifact", "smooth")
    asked = tuple(f"smooth-or-featured-dr5_{end}" for end in ends)
    columns = {f"smooth-or-featured-dr8_{end}": [number + 1] * 4 for number, end in enumerate(ends)}
    catalogue = read(columns, answer_columns=asked)
    assert catalogue.questions.answers == asked
    np.testing.assert_array_equal(catalogue.votes, [[1, 2]] * 4)
    assert f"smooth-or-featured-dr8_artifact, smooth-or-featured-dr8_smooth stand for {asked[0]}, {asked[1]}" in (
        capsys.readouterr().out
    )
    bare = {f"smooth-or-featured_{end}": [number + 1] * 4 for number, end in enumerate(ends)}
    np.testing.assert_array_equal(read(bare, answer_columns=asked).votes, catalogue.votes)
    two = {**columns, **{name.replace("dr8", "dr12"): value for name, value in columns.items()}}
    with pytest.raises(InputError, match="no column smooth-or-featured-dr5_artifact"):
        read(two, answer_columns=asked)


def test_all_problems_are_reported_at_once(tmp_path):
    columns = {"smooth": [1, -1, 2, 3], "featured": [1, 1, "x", 3]}
    table = pd.DataFrame({"id": ["a", "a", None, "5.8E+17"], **columns})
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as error:
        read_catalogue(tmp_path / "t.csv", answer_columns=("smooth", "featured"))
    lines = str(error.value).split("\n- ")
    assert lines[0] == "5 problems:" and len(lines) == 6
    for line, what in zip(
        lines[1:],
        (
            "1 rows without id",
            "1 ids that a spreadsheet rounded (5.8E+17)",
            "lists 1 ids more than once, in rows that differ (a)",
            "1 galaxies whose votes are missing or not a number (ids 2)",  # by its row, for ids are wrong
            "1 galaxies whose votes are negative (ids 1)",
        ),
        strict=True,
    ):
        assert what in line


def test_ten_problems_are_shown():
    assert str(InputError("one")) == "one"
    assert str(InputError(*"abc")) == "3 problems:\n- a\n- b\n- c"
    lines = str(InputError(*map(str, range(14)))).split("\n- ")
    assert lines == ["14 problems:", *map(str, range(10)), "and 4 more"]


def test_refuses_what_are_no_classes(read):
    for words in (["x"] * 4, [1, 2, 1, 2]):
        with pytest.raises(InputError, match="2 to 50 classes|or one column of words"):
            read({"kind": words}, answer_columns=("kind",))
