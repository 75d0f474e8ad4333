"""`--workdir`: the model of a trained run repeats the predictions that the run wrote itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tolerances import BATCH_ATOL

from configs import quicktest
from etvae_tf.inference import list_pictures, predict_pictures, run_scorer
from etvae_tf.run import train_run

ANSWERS = ["smooth", "featured_or_disk", "artifact"]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps", "blank_figures")
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
    config = quicktest.get_config()
    config.update(regime="supervised", n_labels=30)
    config.data.update(table=str(tmp_path / "votes.csv"), images=str(tmp_path / "pictures"), crop_fraction=0.7)
    train_run(config, str(tmp_path / "run"))
    written = pd.read_csv(tmp_path / "run" / "predictions.csv", dtype={"id": str}).set_index("id")
    predict_pictures(list_pictures(tmp_path / "pictures", None), run_scorer(tmp_path / "run"), tmp_path / "all.csv")
    found = pd.read_csv(tmp_path / "all.csv", dtype={"id": str}).set_index("id").loc[written.index]
    for answer in ANSWERS:
        np.testing.assert_allclose(found[answer], written[f"{answer}_predicted"], atol=BATCH_ATOL)
