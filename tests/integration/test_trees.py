"""A decision tree from its table to predicted fractions of all volunteers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from runs import plain_config

from etvae_tf.evaluation import evaluate_run
from etvae_tf.inference import list_pictures, predict_pictures, run_scorer
from etvae_tf.run import train_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager_steps", "blank_figures")]

SHAPE, ROUNDED = "smooth-or-featured", "how-rounded"


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 60 galaxies in Kaggle's form, two questions, and their pictures."""
    folder = tmp_path_factory.mktemp("survey")
    random = np.random.default_rng(0)
    ids = np.arange(100, 160)
    first = random.dirichlet([2, 2, 0.2], len(ids))
    then = random.dirichlet([2, 2, 2], len(ids)) * first[:, :1]
    cells = np.hstack([first, then]).T
    names = [f"Class{task}.{number}" for task in (1, 7) for number in (1, 2, 3)]
    pd.DataFrame({"GalaxyID": ids, **dict(zip(names, cells, strict=True))}).to_csv(folder / "votes.csv", index=False)
    (folder / "pictures").mkdir()
    for galaxy in ids:
        picture = random.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / "pictures" / f"{galaxy}.png")
    return folder


@pytest.fixture(scope="module")
def trained(survey: Path, tmp_path_factory: pytest.TempPathFactory, eager_steps: None, blank_figures: None) -> Path:
    config = plain_config()
    config.regime, config.n_labels = "supervised", 20
    config.data.table, config.data.images = str(survey / "votes.csv"), str(survey / "pictures")
    config.data.questions = ("all",)
    folder = tmp_path_factory.mktemp("runs") / "tree"
    train_run(config, str(folder))
    return folder


def test_each_question_is_scored_and_shown(trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    assert (
        set(metrics["by_question"])
        == set(metrics["even_concentrations"])
        == set(metrics["n_votes"])
        == {SHAPE, ROUNDED}
    )
    assert metrics["n_votes"][SHAPE] == 40 and metrics["asked_after"] == {ROUNDED: ["smooth"]}
    rounded, table = metrics["by_question"][ROUNDED], pd.read_csv(trained / "predictions.csv")
    voted = table["how-rounded_round_voted"].notna()
    assert rounded["n_galaxies"] == voted.sum() < metrics["n_galaxies"], "few votes are no fraction"
    page = (trained / "report.html").read_text()
    assert f"rmse of {ROUNDED}" in page and "how-rounded round" in page


def test_predictions_go_down_the_tree(trained: Path, survey: Path, tmp_path: Path) -> None:
    predict_pictures(list_pictures(survey / "pictures", None), run_scorer(trained), tmp_path / "votes.csv")
    table = pd.read_csv(tmp_path / "votes.csv")
    answers = [f"how-rounded_{answer}" for answer in ("round", "in-between", "cigar")]
    np.testing.assert_allclose(table[answers].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(table[[f"{one}_joint" for one in answers]].sum(axis=1), table["smooth"], rtol=1e-5)
    assert "smooth_joint" not in table


def test_a_tree_is_evaluated_by_its_own_questions(trained: Path, survey: Path) -> None:
    given = {"data.table": str(survey / "votes.csv"), "data.images": str(survey / "pictures")}
    assert set(evaluate_run(str(trained), given)["by_question"]) == {SHAPE, ROUNDED}


def test_a_run_whose_held_out_galaxies_nobody_was_asked_about_ends_without_error_bars(
    survey: Path, tmp_path: Path
) -> None:
    config = plain_config()
    config.regime, config.n_labels = "supervised", 5
    table = pd.read_csv(survey / "votes.csv")
    few = table["Class1.1"].rank().to_numpy() <= 40  # no test galaxy among them
    table.loc[few, ["Class7.1", "Class7.2", "Class7.3"]] *= 0.01
    table.to_csv(tmp_path / "votes.csv", index=False)
    split = np.where(few, "train", "test")
    pd.DataFrame({"GalaxyID": table["GalaxyID"], "split": split}).to_csv(tmp_path / "split.csv", index=False)
    config.data.update(table=str(tmp_path / "votes.csv"), split=str(tmp_path / "split.csv"))
    config.data.update(images=str(survey / "pictures"), questions=(ROUNDED,))
    metrics = train_run(config, str(tmp_path / "run"))
    assert "even_concentrations" not in metrics and metrics["n_votes"] == {}
    predict_pictures(list_pictures(survey / "pictures", None), run_scorer(tmp_path / "run"), tmp_path / "predicted.csv")
    assert pd.read_csv(tmp_path / "predicted.csv")["how-rounded_round_low"].isna().all()
