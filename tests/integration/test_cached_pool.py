"""Runs that read their pictures from a cache, and runs on every label there is."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict
from PIL import Image
from runs import plain_config

from etvae_tf.data import synthesise
from etvae_tf.evaluation import evaluate_run
from etvae_tf.report import report
from etvae_tf.run import train_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager_steps", "blank_figures")]


@pytest.fixture
def config(tmp_path: Path) -> ConfigDict:
    """40 galaxies, whose table has the paths of their pictures, and ten more pictures."""
    galaxies = synthesise(50, seed=1, image_size=48, channels=3)
    for folder in ("pictures", "more"):
        (tmp_path / folder).mkdir()
    names = [f"J{index}" for index in range(50)]
    for index, (name, picture) in enumerate(zip(names, galaxies.images, strict=True)):
        Image.fromarray(picture).save(tmp_path / ("pictures" if index < 40 else "more") / f"{name}.png")
    table = pd.DataFrame(galaxies.votes[:40], columns=["a", "b", "c"])
    table.insert(0, "file_loc", [f"pictures/{name}.png" for name in names[:40]])
    table.to_csv(tmp_path / "votes.csv", index=False)
    config = plain_config()
    config.n_labels = 0
    config.data.update(table=str(tmp_path / "votes.csv"), unlabelled=str(tmp_path / "more"))
    config.data.update(answer_columns=("a", "b", "c"))
    return config


def test_a_cache_changes_no_bit_and_n_labels_0_takes_all(config, tmp_path, capsys):
    train_run(config, str(tmp_path / "plain"))
    config.data.cache_dir = str(tmp_path / "cache")
    train_run(config, str(tmp_path / "cached"))
    assert "40 pictures decoded once, from the cache" in capsys.readouterr().out
    models = [keras.saving.load_model(tmp_path / name / "model.keras") for name in ("plain", "cached")]
    for plain, cached in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(cached, plain)
    split = pd.read_csv(tmp_path / "plain" / "split.csv")["split"]
    manifest = json.loads((tmp_path / "plain" / "manifest.json").read_text())
    assert len(manifest["labelled_ids"]) == (split == "train").sum() == 40 - (split == "test").sum()
    config.data.cache_dir = ""
    train_run(config, str(tmp_path / "cached"))  # the same run, with or without
    assert "holds this run already" in capsys.readouterr().out
    galaxies = (tmp_path / "plain" / "report.html").read_text().count("<article")
    page = report(str(tmp_path / "plain"))  # made again, with the pictures found by file_loc
    assert page.read_text().count("<article") == galaxies > 0
    scored = evaluate_run(str(tmp_path / "cached"), {"data.table": config.data.table})  # by file_loc, too
    assert scored["n_galaxies"] == (split == "test").sum()
