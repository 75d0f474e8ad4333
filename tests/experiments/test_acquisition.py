"""The loop of acquisition in a tiny form: who has which labels, how it goes on, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict

from configs import acquisition, quicktest, table1_quick
from etvae_tf.data import draw_labels, load_survey
from etvae_tf.errors import InputError
from etvae_tf.experiments import acquisition_study
from etvae_tf.models import ETVAE

pytestmark = pytest.mark.usefixtures("eager_steps")


def tiny() -> ConfigDict:
    config = acquisition.get_config()
    small = quicktest.get_config()
    for part in ("data", "model", "train"):
        config[part].update(small[part])
    config.data.validation_fraction = 0.0
    changes = {"first": 10, "batch": 5, "rounds": 2, "candidates": 100, "seeds": (0, 1)}
    config.acquisition.update(changes)
    return config


def labelled(folder: Path) -> set[str]:
    return set(json.loads((folder / "manifest.json").read_text())["labelled_ids"])


@pytest.mark.slow
def test_the_loop_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, original = [], ETVAE.fit

    def fit(self: ETVAE, *args: object, **kwargs: object) -> object:
        if len(fits) == 4:
            raise KeyboardInterrupt
        fits.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ETVAE, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        acquisition_study(tiny(), str(tmp_path))
    written = pd.read_csv(tmp_path / "learning_curve.csv")
    assert 0 < len(written) < 24
    monkeypatch.setattr(ETVAE, "fit", original)
    table = acquisition_study(tiny(), str(tmp_path))
    pd.testing.assert_frame_equal(table.head(len(written)), written, check_dtype=False)
    assert len(table) == 4 * 3 * 2 and set(table["arm"]) == {"random", "typical", "entropy", "bald"}
    for name in ("acquisition.md", "acquisition.csv", "learning_curve.png", "report.html", "vae.keras"):
        assert (tmp_path / name).exists()
    assert not list((tmp_path / "runs").glob("*/model.keras"))
    survey = load_survey(tiny())
    for seed in (0, 1):
        runs = {
            (arm, n): tmp_path / "runs" / f"{arm}_n{n}_seed{seed}" for arm in set(table["arm"]) for n in (10, 15, 20)
        }
        drawn = survey.learn.ids[draw_labels(survey.learn.ids, survey.learn.has_votes, 100, seed)]
        candidates = set(drawn)
        assert labelled(runs["random", 20]) == set(drawn[:20])
        judges = {tuple(pd.read_csv(one / "predictions.csv", dtype={"id": str})["id"]) for one in runs.values()}
        assert len(judges) == 1 and not candidates & set(*judges)  # the same for all, and never candidates
        for arm in ("typical", "entropy", "bald"):
            first = labelled(runs["typical" if arm == "typical" else "random", 10])
            assert len(first) == 10 and first < labelled(runs[arm, 15]) < labelled(runs[arm, 20]) < candidates
        assert labelled(runs["typical", 10]) != labelled(runs["random", 10])
        first = [(runs[arm, 10] / "predictions.csv").read_bytes() for arm in ("random", "entropy", "bald")]
        assert first[0] == first[1] == first[2]  # they learn once from the labels that they share
    row = table[(table["arm"] == "bald") & (table["n_labels"] == 20) & (table["seed"] == 1)]
    votes = pd.read_csv(runs["bald", 20] / "predictions.csv")
    error = votes.filter(like="_voted").to_numpy() - votes.filter(like="_predicted").to_numpy()
    assert row["vote_rmse"].item() == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"acquisition.strategies": ("random", "margin")}, "strategy=margin came, but one of bald, entropy"),
        ({"acquisition.strategies": ()}, "at least one of each of strategies and seeds"),
        ({"acquisition.first": 0}, "acquisition.first is 0"),
        ({"acquisition.rounds": -1}, "acquisition.rounds is -1"),
        ({"acquisition.candidates": 19}, "candidates is 19, but a whole number >= 20"),
        ({"acquisition.candidates": 200}, "all 200 with votes are among the 200"),
        ({"regime": "supervised"}, "regime is supervised, but two_step"),
        ({"data.synthetic_train": 50}, "only 50 of the"),
    ],
)
def test_bad_studies_are_refused(change: dict, sentence: str, tmp_path: Path) -> None:
    config = tiny()
    config.update_from_flattened_dict(change)
    with pytest.raises(InputError, match=sentence):
        acquisition_study(config, str(tmp_path / "study"))
    assert not (tmp_path / "study").exists()


def test_a_plain_config_and_a_missing_workdir_are_refused() -> None:
    with pytest.raises(InputError, match="configs/acquisition.py"):
        acquisition_study(table1_quick.get_config(), "anywhere")
    with pytest.raises(InputError, match="--workdir"):
        acquisition_study(tiny(), None)
