"""How well planted faults are found: exact on known scores, and as a whole on a survey whose model sees them."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from etvae_tf.errors import InputError
from etvae_tf.experiments import judge_anomaly
from etvae_tf.experiments.judge_anomaly import average_precisions
from etvae_tf.inference import Scorer, list_pictures

judge_module = sys.modules[judge_anomaly.__module__]  # the package's name is that of the function


def test_average_precisions_are_those_of_the_definition():
    faults = np.array(["star trails", "", "cut frame", "", "", "saturated star"])
    scores = {"right": np.array([9, 1, 8, 2, 3, 7.0]), "half": np.array([9, 8, 7, 1, 2, 6.0])}
    table = average_precisions(scores, faults).set_index(["score", "fault"])["average_precision"]
    assert (table["right"] == 1).all() and len(table) == 8
    expected = {"all": (1 + 2 / 3 + 3 / 4) / 3, "star trails": 1, "cut frame": 1 / 2, "saturated star": 1 / 2}
    assert table["half"].to_dict() == pytest.approx(expected)


def write_survey(folder, count: int) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(random.integers(40, 60, (32, 32), np.uint8)).save(folder / f"g{number:03}.png")


def brightest(images: tf.Tensor) -> dict[str, tf.Tensor]:
    """A latent that is the brightest and the darkest pixel."""
    latents = tf.stack([tf.reduce_max(images, [1, 2, 3]), tf.reduce_min(images, [1, 2, 3])], axis=1)
    return {"latent_mean": latents, "novelty": 2 * latents[:, 0]}


@pytest.mark.slow
def test_a_model_that_sees_faults_finds_them_all(tmp_path, capsys):
    write_survey(tmp_path / "sky", 100)
    scorer = Scorer(tmp_path, [], {"serving_default": brightest}, (32, 1, 1.0), None)
    judge_anomaly(list_pictures(tmp_path / "sky", None), scorer, tmp_path / "found.csv")
    table = pd.read_csv(tmp_path / "found.csv")
    assert table.columns.tolist() == ["fault", "score", "average_precision", "seed"]
    assert set(table["score"]) == {"log_density", "rank", "novelty", "measures"} and set(table["seed"]) == set(
        range(10)
    )
    seen = table[(table["score"] == "log_density") & table["fault"].isin(["star trails", "saturated star"])]
    assert (seen["average_precision"] == 1).all()
    printed = capsys.readouterr().out
    assert "novelty above 1: 0.000 of the pictures with no fault" in printed
    assert "novelty above 1: 1.000 of the pictures with saturated star" in printed
    with pytest.raises(InputError, match="found.csv exists"):
        judge_anomaly(list_pictures(tmp_path / "sky", None), scorer, tmp_path / "found.csv")


@pytest.mark.slow
def test_a_killed_judgement_goes_on_with_the_next_seed(tmp_path, monkeypatch, capsys):
    write_survey(tmp_path / "sky", 100)
    (tmp_path / "model").mkdir()
    scorer = Scorer(tmp_path / "model", [], {"serving_default": brightest}, (32, 1, 1.0), None)
    listing = list_pictures(tmp_path / "sky", None)
    judge_anomaly(listing, scorer, tmp_path / "whole.csv")
    plant = judge_module.plant_faults

    def killed(images, share, seed):
        if seed == 7:
            raise KeyboardInterrupt
        return plant(images, share, seed)

    with monkeypatch.context() as patch:
        patch.setattr(judge_module, "plant_faults", killed)
        with pytest.raises(KeyboardInterrupt):
            judge_anomaly(listing, scorer, tmp_path / "found.csv")
    capsys.readouterr()
    judge_anomaly(listing, scorer, tmp_path / "found.csv")
    assert [line[:6] for line in capsys.readouterr().out.splitlines()[:4]][:3] == ["seed 7", "seed 8", "seed 9"]
    assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_few_pictures_are_refused(tmp_path):
    write_survey(tmp_path / "sky", 20)
    scorer = Scorer(tmp_path, [], {"serving_default": brightest}, (32, 1, 1.0), None)
    with pytest.raises(InputError, match="20 pictures could be read, but 100 at least are needed"):
        judge_anomaly(list_pictures(tmp_path / "sky", None), scorer, tmp_path / "found.csv")
