"""`--workdir`: the model of a trained run repeats the predictions that the run wrote itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tolerances import BATCH_ATOL

from etvae_tf.inference import predict_pictures

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ["smooth", "featured_or_disk", "artifact"]


@pytest.mark.slow
def test_a_trained_run_repeats_its_predictions(tmp_path):
    random = np.random.default_rng(0)
    ids = np.arange(100, 160)
    fractions = random.dirichlet([2, 2, 0.2], len(ids))
    columns = {f"Class1.{index + 1}": fractions[:, index] for index in range(3)}
    pd.DataFrame({"GalaxyID": ids, **columns}).to_csv(tmp_path / "votes.csv", index=False)
    (tmp_path / "pictures").mkdir()
    for galaxy in ids:
        blobs = Image.fromarray(random.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize((60, 60))
        blobs.save(tmp_path / "pictures" / f"{galaxy}.png")
    flags = (f"--workdir={tmp_path / 'run'}", f"--data={tmp_path / 'votes.csv'}", f"--images={tmp_path / 'pictures'}")
    regime = ("--regime=supervised", "--n_labels=30", "--config.data.crop_fraction=0.7")
    command = [sys.executable, "main.py", "--config=configs/quicktest.py", *flags, *regime]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    written = pd.read_csv(tmp_path / "run" / "predictions.csv", dtype={"id": str}).set_index("id")
    predict_pictures(tmp_path / "pictures", tmp_path / "all.csv", tmp_path / "nowhere", tmp_path / "run")
    found = pd.read_csv(tmp_path / "all.csv", dtype={"id": str}).set_index("id").loc[written.index]
    for answer in ANSWERS:
        np.testing.assert_allclose(found[answer], written[f"{answer}_predicted"], atol=BATCH_ATOL)
