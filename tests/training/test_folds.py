"""Folds of the labels, and the model that folds and a Gaussian process teach."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict
from runs import batches_seen, run, same_weights

from etvae_tf.models import ETVAE
from etvae_tf.training import RunFolder, RunState, teachers, train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager_steps")]


def test_folds_are_predicted_by_models_that_have_not_seen_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {"data__augment_flips": False, "data__augment_jitter": 0.0, "data__validation_fraction": 0.0}
    whole, _, _ = run("two_step", tmp_path / "whole", **plain)
    seen, phase_of = batches_seen(monkeypatch), []
    original = ETVAE.fit

    def fit(self: ETVAE, *args: object, **kwargs: object) -> object:
        phase_of.append(len(seen))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ETVAE, "fit", fit)
    model, data, folder = run("two_step", tmp_path / "folds", train__folds=2, **plain)
    assert same_weights(whole, model), "the last phase is the same with folds and without"
    starts = phase_of[-3:]  # of the two folds and of all labels
    tables = [pd.read_parquet(folder.fold(fold)) for fold in range(2)]
    assert sorted(pd.concat(tables)["id"]) == sorted(data.train.ids)
    for table, start, end in zip(tables, starts, starts[1:], strict=False):
        hidden = data.train.select(np.isin(data.train.ids, table["id"]))
        pictures = {
            np.round(image * 255).astype(np.uint8).tobytes()
            for batch in seen[start:end]
            for image in batch["labelled"][0]
        }
        assert pictures and not pictures & {image.tobytes() for image in hidden.images}
        np.testing.assert_allclose(table[list(data.questions.answers)].sum(axis=1), 1, rtol=1e-5)


def test_a_model_taught_by_others_ends_the_same_when_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"train__folds": 2, "train__teaching_pictures": 30, "train__measure_weight": 10.0}
    seen = batches_seen(monkeypatch)
    whole, data, folder = run("two_step", tmp_path / "whole", **changes)
    assert not any("unlabelled" in batch for batch in seen[-4:]), "the encoder is moved by votes alone"
    votes = np.concatenate([batch["labelled"][1] for batch in seen[-4:]])
    assert (votes % 1 > 0).any() and (votes % 1 == 0).all(axis=1).any(), "teachers' votes and volunteers'"
    original = RunState.on_epoch_end
    for doomed in ("votes_fold_1", "taught"):

        def on_epoch_end(self: RunState, *args: object, doomed: str = doomed) -> None:
            original(self, *args)
            if self.phase.name == doomed:
                raise KeyboardInterrupt

        monkeypatch.setattr(RunState, "on_epoch_end", on_epoch_end)
        with pytest.raises(KeyboardInterrupt):
            run("two_step", tmp_path / "killed", **changes)
    monkeypatch.setattr(RunState, "on_epoch_end", original)
    again, _, killed = run("two_step", tmp_path / "killed", ("vae", "votes_fold_0", "votes_fold_1"), **changes)
    assert same_weights(whole, again)
    for part in (lambda one: one.process, lambda one: one.fold(0), lambda one: one.fold(1)):
        assert part(folder).read_bytes() == part(killed).read_bytes()


def test_runs_that_share_pretraining_share_what_it_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"train__teaching_pictures": 30, "train__measure_weight": 10.0}
    expected, data, folder = run("two_step", tmp_path / "alone", **changes)
    assert not folder.pool_measures.exists(), "nobody asks for them any more"
    measured, original = [], teachers.measure_centre
    monkeypatch.setattr(teachers, "measure_centre", lambda images: measured.append(len(images)) or original(images))
    config = ConfigDict(json.loads(folder.config.read_text()))
    for name in ("first", "second"):
        other = RunFolder(tmp_path / name)
        other.claim(config.to_dict(), data)
        model, _ = train(config, data, other, tmp_path / "shared.keras")
        assert same_weights(expected, model)
    assert measured == [len(data.train)] * 2, "the pictures of the pool were measured for pre-training"
