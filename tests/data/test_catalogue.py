"""Tables: every convention, every refusal, and ids that survive."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from etvae_tf.data.catalogue import read_catalogue
from etvae_tf.errors import InputError

KAGGLE = pd.DataFrame(
    {
        "GalaxyID": [100008, 100053, 100078],
        "Class1.1": [0.25, 0.75, 0.5],
        "Class1.2": [0.75, 0.25, 0.25],
        "Class1.3": [0.0, 0.0, 0.25],
        "Class2.1": [0.1, 0.2, 0.3],
    }
)
HART = pd.DataFrame(
    {
        "asset_id": [393, 1129],
        "dr7objid": [587722982291472386, 587722983364690145],
        "t01_smooth_or_features_a01_smooth_count": [34, 25],
        "t01_smooth_or_features_a02_features_or_disk_count": [2, 7],
        "t01_smooth_or_features_a03_star_or_artifact_count": [6, 3],
    }
)
ZOOBOT = pd.DataFrame(
    {
        "id_str": ["J1", "J2"],
        "file_loc": ["/data/dr5/J1.png", "/data/dr5/J2.png"],
        "smooth-or-featured-dr5_smooth": [3, 0],
        "smooth-or-featured-dr5_featured-or-disk": [1, 0],
        "smooth-or-featured-dr5_artifact": [1, 0],
        "smooth-or-featured-dr5_smooth_fraction": [0.6, 0.0],
    }
)
OWN = pd.DataFrame({"name": ["a", "b"], "ring": [3, 1], "none": [1, 2], "part": [0.25, 0.5], "rest": [0.75, 0.5]})


@pytest.fixture
def save(tmp_path):
    """Writes a table and returns its path."""

    def write(table, name="table.csv"):
        path = tmp_path / name
        table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
        return path

    return write


def test_kaggle_fractions_become_counts(save):
    catalogue = read_catalogue(save(KAGGLE), pseudo_count=40)
    assert catalogue.ids.tolist() == ["100008", "100053", "100078"]
    assert catalogue.questions.answers == ("smooth", "featured_or_disk", "artifact")
    assert catalogue.kind == "fractions" and catalogue.id_column == "GalaxyID"
    assert catalogue.votes.dtype == np.float32
    np.testing.assert_array_equal(catalogue.votes, [[10, 30, 0], [30, 10, 0], [20, 10, 10]])


def test_hart_counts_and_the_id_that_pictures_are_named_by(save):
    path = save(HART)
    by_asset = read_catalogue(path, picture_names=["393", "1129"])
    by_object = read_catalogue(path, picture_names=["587722982291472386", "587722983364690145"])
    assert by_asset.kind == "counts"
    np.testing.assert_array_equal(by_asset.votes, [[34, 2, 6], [25, 7, 3]])
    assert by_asset.ids.tolist() == ["393", "1129"]
    assert by_object.ids.tolist() == ["587722982291472386", "587722983364690145"]
    assert read_catalogue(path, id_column="dr7objid").ids.tolist() == by_object.ids.tolist()


def test_zoobot_counts_of_any_campaign(save):
    catalogue = read_catalogue(save(ZOOBOT))
    np.testing.assert_array_equal(catalogue.votes, [[3, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(catalogue.has_votes, [True, False])
    assert read_catalogue(save(ZOOBOT), id_column="file_loc").ids.tolist() == ["J1", "J2"]


def test_own_columns(save):
    catalogue = read_catalogue(save(OWN), id_column="name", answer_columns=("ring", "none"))
    assert catalogue.questions.answers == ("ring", "none") and catalogue.kind == "counts"
    fractions = read_catalogue(save(OWN), id_column="name", answer_columns=("part", "rest"), pseudo_count=8)
    np.testing.assert_array_equal(fractions.votes, [[2, 6], [4, 4]])


@pytest.mark.parametrize("table", [KAGGLE, HART, ZOOBOT], ids=["kaggle", "hart", "zoobot"])
def test_parquet_equals_csv(save, table):
    pytest.importorskip("pyarrow")
    one, other = read_catalogue(save(table)), read_catalogue(save(table, "table.parquet"))
    assert one.ids.tolist() == other.ids.tolist()
    np.testing.assert_array_equal(one.votes, other.votes)


def test_ids_keep_leading_zeros(save):
    assert read_catalogue(save(KAGGLE.assign(GalaxyID=["007", "7", "a.b"]))).ids.tolist() == [
        "007",
        "7",
        "a.b",
    ]


def test_weighted_counts_when_asked(save):
    weighted = HART.astype({HART.columns[2]: float})
    weighted.loc[0, HART.columns[2]] = 33.5
    assert read_catalogue(save(weighted), kind="counts").votes[0, 0] == 33.5
    with pytest.raises(InputError, match="two label kinds seem mixed.*label_kind=counts for weighted counts"):
        read_catalogue(save(weighted))


ONE_VOTES = HART.columns[2]
BAD_TABLES = {
    "duplicate": (pd.concat([KAGGLE, KAGGLE[:1]]), {}, r"lists 1 ids more than once, in equal rows \(100008\)"),
    "negative": (HART.assign(**{ONE_VOTES: [-1, 2]}), {}, r"1 galaxies whose votes are negative \(ids 393\)"),
    "nan": (HART.assign(**{ONE_VOTES: [1, None]}), {}, r"1 galaxies whose votes are missing .*\(ids 1129\)"),
    "text": (HART.assign(**{ONE_VOTES: [1, "x"]}), {}, "not a number"),
    "infinite": (HART.assign(**{ONE_VOTES: [1, np.inf]}), {}, "not a number"),
    "no vote": (ZOOBOT.assign(**dict.fromkeys(ZOOBOT.columns[2:5], 0)), {}, "not a single vote"),
    "no row": (HART[:0], {}, "not a single vote"),
    "no known column": (OWN, {}, "none of which holds votes in a known way"),
    "an answer missing": (KAGGLE.drop(columns="Class1.3"), {}, "no column for artifact"),
    "two conventions": (pd.concat([KAGGLE[:2], HART], axis=1), {}, "more than one set of labels"),
    "fractions in count columns": (ZOOBOT.assign(**dict.fromkeys(ZOOBOT.columns[2:5], 0.5)), {}, "mixed"),
    "counts in fraction columns": (KAGGLE.assign(**{"Class1.1": [30, 2, 1]}), {}, "fractions sum to 30.75"),
    "columns of two kinds": (
        OWN,
        {"id_column": "name", "answer_columns": ("ring", "part")},
        "two label kinds seem mixed",
    ),
    "kind contradicts columns": (
        KAGGLE,
        {"kind": "counts"},
        "label_kind='counts', but the vote columns hold",
    ),
    "unknown kind": (KAGGLE, {"kind": "ranks"}, "expected one of auto, counts, fractions"),
    "one answer": (
        OWN,
        {"id_column": "name", "answer_columns": ("ring",)},
        "two or more different columns, one per answer, or one column of words",
    ),
    "answer column missing": (OWN, {"id_column": "name", "answer_columns": ("ring", "bar")}, "no column bar"),
    "id column missing": (KAGGLE, {"id_column": "name"}, "no column name"),
    "no known id column": (OWN, {"answer_columns": ("ring", "none")}, "none of the id columns"),
    "id empty": (ZOOBOT.assign(id_str=["J1", None]), {"id_column": "id_str"}, "1 rows without id_str"),
    "pseudo-count": (KAGGLE, {"pseudo_count": 0.0}, "pseudo_count=0.0, expected a number above 0"),
}


@pytest.mark.parametrize(("table", "options", "sentence"), BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_refuses(save, table, options, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        read_catalogue(save(table), **options)
    assert "\n" not in str(error.value) or re.match(r"\d+ problems:\n- ", str(error.value))


def test_refuses_what_is_no_table(tmp_path):
    with pytest.raises(InputError, match="no table at"):
        read_catalogue(tmp_path / "absent.csv")
    for name, content in (("a.csv", b""), ("b.csv", b"\xff\xfe\x00\x80,\x9c\n"), ("c.parquet", b"GalaxyID")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as a table|is neither text nor a table"):
            read_catalogue(tmp_path / name)


def test_refuses_ids_garbled_by_floating_point(save):
    pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match="garbles ids"):
        read_catalogue(save(HART.astype({"dr7objid": float}), "t.parquet"), id_column="dr7objid")


def test_real_tables(real_data):
    kaggle = read_catalogue(real_data / "kaggle" / "solutions.csv")
    counts = read_catalogue(real_data / "counts" / "gz2_votes.csv")
    assert len(kaggle) == 3500 and len(counts) == 697
    fractions = kaggle.votes / kaggle.votes.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fractions.mean(axis=0), [0.44, 0.54, 0.025], atol=0.006)  # as printed, rounded
    totals = counts.votes.sum(axis=1)
    assert (totals.min(), totals.max(), round(float(totals.mean()), 1)) == (22, 73, 42.8)
    assert counts.id_column == "asset_id"


def test_fractions_of_those_asked_weigh_as_much_as_were_asked(save, capsys):
    """Kaggle's later questions: their fractions are multiplied by their parent's."""
    table = KAGGLE.assign(**{"Class7.1": [0.1, 0.0, 0.2], "Class7.2": [0.3, 0.0, 0.6], "Class7.3": [0.0, 0.0, 0.2]})
    catalogue = read_catalogue(save(table), answer_columns=("Class7.1", "Class7.2", "Class7.3"), pseudo_count=40)
    np.testing.assert_allclose(catalogue.votes, [[4, 12, 0], [0, 0, 0], [8, 24, 8]])
    assert catalogue.kind == "fractions" and catalogue.has_votes.tolist() == [True, False, True]
    assert "fractions of 1 of 3 galaxies sum to 0.4 to 0.4" in capsys.readouterr().out


def test_fractions_that_do_not_sum_to_one_are_divided_by_their_sum_on_request(save, capsys):
    table = OWN.assign(part=[0.2, 0.5], rest=[0.7, 0.6])
    columns = {"id_column": "name", "answer_columns": ("part", "rest"), "pseudo_count": 10}
    with pytest.raises(InputError, match="neither whole counts nor fractions.*label_kind=fractions, which divides"):
        read_catalogue(save(table), **columns)
    catalogue = read_catalogue(save(table), kind="fractions", **columns)
    np.testing.assert_allclose(catalogue.votes, [[2, 7], [5, 6]])
    assert "fractions of 2 of 2 galaxies sum to 0.9 to 1.1" in capsys.readouterr().out
    with pytest.raises(InputError, match="fractions sum to 3"):
        read_catalogue(save(OWN.assign(part=[2, 1], rest=[1, 0])), kind="fractions", **columns)
