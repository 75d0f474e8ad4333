"""A trained run on labelled tables: which galaxies are scored, by which columns, and where the answers lie."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict
from PIL import Image
from runs import plain_config

from etvae_tf.data import synthesise
from etvae_tf.errors import InputError
from etvae_tf.evaluation import evaluate_run
from etvae_tf.run import train_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager_steps", "blank_figures")]

COLUMNS = ("elliptical", "spiral", "star")
GALAXIES = synthesise(60, seed=1, image_size=48, channels=3)
IDS = [f"J{index:03d}" for index in range(60)]


def write_pictures(folder: Path, galaxies: range, prefix: str = "J", mirrored: bool = False, quality: int = 95) -> Path:
    folder.mkdir()
    for index in galaxies:
        picture = GALAXIES.images[index][:, ::-1] if mirrored else GALAXIES.images[index]
        Image.fromarray(picture).save(folder / f"{prefix}{index:03d}.jpg", quality=quality)
    return folder


def write_table(path: Path, ids: list[str], votes: np.ndarray, columns: tuple[str, ...] = COLUMNS) -> Path:
    path.parent.mkdir(exist_ok=True)
    pd.DataFrame({"id": ids, **dict(zip(columns, votes.T, strict=True))}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sky")
    write_pictures(folder / "pictures", range(60))
    write_table(folder / "votes.csv", IDS, GALAXIES.votes)
    split = ["test" if index % 4 == 0 else "train" for index in range(60)]
    pd.DataFrame({"id": IDS, "split": split}).to_csv(folder / "split.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(sky: Path, eager_steps: None, blank_figures: None) -> Path:
    """A finished run on own columns, with 20 labelled galaxies of 45; the others are in its pool."""
    config: ConfigDict = plain_config()
    config.n_labels = 20
    config.data.update({
        "table": str(sky / "votes.csv"), "images": str(sky / "pictures"), "split": str(sky / "split.csv"),
        "answer_columns": COLUMNS,
    })  # fmt: skip
    train_run(config, str(sky / "run"))
    return sky / "run"


def given(sky: Path, table: Path | None = None, pictures: Path | None = None, **others: object) -> dict[str, object]:
    fields = {f"data.{name}": value for name, value in others.items()}
    return {
        "data.table": str(table or sky / "votes.csv"),
        "data.images": str(pictures or sky / "pictures"),
        **fields,
    }


def test_galaxies_that_the_run_learnt_from_are_left_out_and_counted(
    run: Path, sky: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = evaluate_run(str(run), given(sky))
    assert (metrics["n_galaxies"], metrics["learnt_galaxies"]) == (15, 45)
    assert "learnt from 45 of 60 galaxies with votes: they are left out" in capsys.readouterr().out
    scored = pd.read_csv(run / "evaluation" / "votes" / "predictions.csv")
    own = pd.read_csv(run / "predictions.csv")
    pd.testing.assert_frame_equal(scored.sort_values("id").reset_index(drop=True), own, rtol=1e-5)
    assert json.loads((run / "metrics.json").read_text())["vote_rmse"] == pytest.approx(metrics["vote_rmse"], rel=1e-5)


def test_they_are_marked_where_they_are_wanted(run: Path, sky: Path) -> None:
    metrics = evaluate_run(str(run), given(sky), include_learnt=True)
    assert (metrics["n_galaxies"], metrics["learnt_galaxies"]) == (60, 45)
    (folder,) = (run / "evaluation").glob("votes-*")  # beside the one without them
    scored = pd.read_csv(folder / "predictions.csv")
    assert scored["learnt"].tolist() == [index % 4 != 0 for index in range(60)]


def test_they_are_known_by_their_pictures_too(run: Path, sky: Path, tmp_path: Path) -> None:
    """Other names, mirrored, and encoded again."""
    copies = write_pictures(tmp_path / "copies", range(12), "other", mirrored=True, quality=92)
    table = write_table(tmp_path / "copies.csv", [f"other{index:03d}" for index in range(12)], GALAXIES.votes[:12])
    metrics = evaluate_run(str(run), given(sky, table, copies))
    assert (metrics["n_galaxies"], metrics["learnt_galaxies"]) == (3, 9)


def test_the_split_leaves_its_test_galaxies(run: Path, sky: Path, tmp_path: Path) -> None:
    split = ["test" if index < 8 else "train" for index in range(60)]
    pd.DataFrame({"id": IDS, "split": split}).to_csv(tmp_path / "split.csv", index=False)
    metrics = evaluate_run(str(run), given(sky, split=str(tmp_path / "split.csv")))
    assert (metrics["n_galaxies"], metrics["learnt_galaxies"]) == (2, 6)


def test_nothing_left_to_score_is_an_error(run: Path, sky: Path, tmp_path: Path) -> None:
    learnt = [index for index in range(60) if index % 4]
    table = write_table(tmp_path / "learnt.csv", [IDS[index] for index in learnt], GALAXIES.votes[learnt])
    with pytest.raises(InputError, match="learnt from all 45 galaxies .* add --include_learnt"):
        evaluate_run(str(run), given(sky, table))
    assert not (run / "evaluation" / "learnt").exists()


def test_columns_are_the_runs_and_may_be_named_anew(run: Path, sky: Path, tmp_path: Path) -> None:
    tests = list(range(0, 60, 4))
    ids, votes = [IDS[index] for index in tests], GALAXIES.votes[tests]
    own = evaluate_run(str(run), given(sky, write_table(tmp_path / "own.csv", ids, votes[:, ::-1], COLUMNS[::-1])))
    names = ("a01", "a02", "a03")
    renamed = write_table(tmp_path / "renamed.csv", ids, votes, names)
    with pytest.raises(InputError, match="no column elliptical"):
        evaluate_run(str(run), given(sky, renamed))
    anew = evaluate_run(str(run), given(sky, renamed, answer_columns=names))
    assert anew["vote_rmse"] == own["vote_rmse"] and anew["rmse_by_answer"] == own["rmse_by_answer"]
    two = write_table(tmp_path / "two.csv", ids, votes[:, :2], names[:2])
    with pytest.raises(InputError, match="but the run learnt elliptical, spiral, star"):
        evaluate_run(str(run), given(sky, two, answer_columns=names[:2]))


def test_two_tables_of_one_name_keep_their_own_folders(run: Path, sky: Path, tmp_path: Path) -> None:
    tests = list(range(0, 60, 4))
    tables = [
        write_table(tmp_path / f"{count}" / "table.csv", [IDS[index] for index in tests[:count]],
                    GALAXIES.votes[tests[:count]])
        for count in (3, 5)
    ]  # fmt: skip
    for table in (*tables, tables[0]):  # the last one again, into its own folder
        evaluate_run(str(run), given(sky, table))
    folders = sorted((run / "evaluation").glob("table*"))
    counts = [json.loads((folder / "metrics.json").read_text())["n_galaxies"] for folder in folders]
    assert [folder.name == "table" for folder in folders] == [True, False] and counts == [3, 5]


def test_another_crop_is_heard(run: Path, sky: Path) -> None:
    whole = evaluate_run(str(run), given(sky))
    middle = evaluate_run(str(run), given(sky, crop_fraction=0.5))
    assert middle["n_galaxies"] == whole["n_galaxies"] and middle["vote_rmse"] != whole["vote_rmse"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"data.table": ""}, "add --data=TABLE"),
        ({"data.crop_fraction": 2.0}, "crop_fraction is 2.0"),
        ({"data.table": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_bad_input_is_refused(run: Path, sky: Path, fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        evaluate_run(str(run), {**given(sky), **fields})
