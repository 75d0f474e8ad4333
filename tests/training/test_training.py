"""Regimes, and what reaches training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from runs import batches_seen, fresh_model, plain_config, run, same_weights

from configs import quicktest
from etvae_tf.data import GalaxyData, load_data
from etvae_tf.errors import InputError
from etvae_tf.models import ETVAE
from etvae_tf.training import RunFolder, phases, train
from etvae_tf.training.phases import compile_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("eager_steps")]


@pytest.mark.parametrize(
    ("regime", "expected"),
    [
        ("supervised", [{"labelled"}]),
        ("alternating", [{"unlabelled"}, {"unlabelled", "labelled"}]),
        ("two_step", [{"unlabelled"}, {"labelled"}]),
    ],
)
def test_what_each_phase_sees_and_moves(
    regime: str, expected: list[set], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = batches_seen(monkeypatch)
    model, _, folder = run(regime, tmp_path / "run")
    assert {frozenset(batch) for batch in seen} == {frozenset(names) for names in expected}
    for batch in seen:  # views are contrasted in pre-training alone
        assert isinstance(batch.get("unlabelled"), tuple) == ("unlabelled" in batch and "labelled" not in batch)
    start = fresh_model()
    assert not same_weights(model.encoder, start.encoder)
    assert not same_weights(model.vote_head, start.vote_head)
    assert same_weights(model.decoder, start.decoder) == (regime == "supervised")
    assert folder.model.exists() and folder.history.exists()


def test_second_phase_starts_from_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = {}
    original = ETVAE.fit

    def fit(self: ETVAE, *args: object, **kwargs: object) -> object:
        encoders[len(encoders)] = [value.numpy() for value in self.encoder.trainable_variables]
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ETVAE, "fit", fit)
    run("two_step", tmp_path / "both")
    first = fresh_model()
    for one, other in zip(encoders[0], first.encoder.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
    assert any(not np.array_equal(one, other) for one, other in zip(encoders[0], encoders[1], strict=True))


def test_frozen_encoder_stays_as_the_vae_left_it(tmp_path: Path) -> None:
    frozen = {
        "train__freeze_encoder": True,
        "data__validation_fraction": 0.0,
    }  # none held out: one pool, the last weights
    trained, _, _ = run("two_step", tmp_path / "trained", train__vote_steps_per_label=0.05, **frozen)
    longer, _, _ = run("two_step", tmp_path / "longer", **frozen)
    assert same_weights(trained.encoder, longer.encoder)
    assert not same_weights(trained.vote_head, longer.vote_head)


def pictures(seen: list[dict]) -> Iterator[np.ndarray]:
    for batch in seen:
        yield from batch.get("unlabelled", [])
        yield from batch.get("labelled", [[]])[0]


def test_no_test_galaxy_and_no_hidden_label_reaches_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = batches_seen(monkeypatch)
    as_it_is = {"data__augment_flips": False, "data__augment_jitter": 0.0, "train__view_weight": 0.0}
    _, data, _ = run("alternating", tmp_path / "run", n_labels=20, **as_it_is)
    trained_on = {np.round(picture * 255).astype(np.uint8).tobytes() for picture in pictures(seen)}
    assert len(trained_on) > 30
    assert not trained_on & {image.tobytes() for image in data.test.images}
    assert trained_on <= {image.tobytes() for image in data.pool}
    labels = {row.tobytes() for batch in seen if "labelled" in batch for row in batch["labelled"][1]}
    assert labels <= {row.tobytes() for row in data.train.votes} and labels


def test_views_and_labelled_pictures_alone_get_other_outskirts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = batches_seen(monkeypatch)
    run("alternating", tmp_path / "own")
    own = seen.copy()
    seen.clear()
    run("alternating", tmp_path / "others", data__augment_outskirts=1.0)
    for before, after in zip(own, seen, strict=True):
        if "labelled" in before:
            np.testing.assert_array_equal(before["unlabelled"], after["unlabelled"])
            assert (before["labelled"][0] != after["labelled"][0]).any()
        else:
            (pictures, views), (same_pictures, other_views) = before["unlabelled"], after["unlabelled"]
            np.testing.assert_array_equal(pictures, same_pictures)
            assert (views != other_views).any()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, eager_steps: None) -> tuple[ETVAE, GalaxyData, RunFolder]:
    """A two-step run."""
    return run("two_step", tmp_path_factory.mktemp("trained") / "run")


def test_a_run_repeats_whatever_the_test_galaxies_and_another_seed_differs(
    trained: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, _, _ = run("two_step", tmp_path / "other", seed=1)
    loaded = load_data

    def poisoned(config: object) -> GalaxyData:
        data = loaded(config)
        data.test.images[:] = 255
        data.test.votes[:] = 1e6
        return data

    monkeypatch.setitem(run.__globals__, "load_data", poisoned)
    again, _, _ = run("two_step", tmp_path / "again")
    assert same_weights(trained[0], again)
    assert not same_weights(trained[0], other)


def test_best_epoch_by_validation_is_kept(tmp_path: Path) -> None:
    model, data, folder = run(
        "supervised", tmp_path / "run", train__vote_steps_per_label=0.3, train__vote_learning_rate=0.05
    )
    images = tf.constant(data.validation.images, tf.float32) / 255.0
    batch = tf.data.Dataset.from_tensors({"labelled": (images, tf.constant(data.validation.votes))})
    kept = model.evaluate(batch, return_dict=True, verbose=0)["vote_mse"]
    assert kept == pytest.approx(pd.read_csv(folder.history)["val_vote_mse"].min(), rel=1e-5)


def test_run_killed_between_its_last_epoch_and_its_model_ends_as_if_it_had_not_been(
    trained: tuple, tmp_path: Path
) -> None:
    whole, _, folder = trained
    shutil.copytree(folder.path, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()
    again, _, killed = run("two_step", tmp_path / "run", skipped=("vae",))
    assert same_weights(whole, again) and killed.model.exists()


def test_divergence_is_an_error_and_spoils_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="diverged in epoch 1 of phase votes"):
        run("supervised", tmp_path / "run", train__vote_learning_rate=1e38)
    assert not (tmp_path / "run" / "history.csv").exists()


def test_optimizers_decay_over_their_phase() -> None:
    config = quicktest.get_config().train
    config.vae_steps, config.vae_steps_per_picture = 1, 0.1
    config.vote_steps, config.vote_steps_per_label = 3, 0.5
    model = fresh_model()
    plan = phases("alternating", config, 7, 45) + phases("supervised", config, 10, 45)
    assert [phase.steps for phase in plan] == [4, 6, 8]  # whole epochs of 2 steps
    config.folds = 2
    parts = phases("two_step", config, 10, 45)[1:]
    assert [(one.name, one.fold, one.steps) for one in parts] == [
        ("votes_fold_0", 0, 4), ("votes_fold_1", 1, 4), ("votes", None, 8)
    ]  # fmt: skip
    config.folds = 0
    for phase in plan:
        compile_for(model, phase, config)
        decays = [optimizer._learning_rate.decay_steps for optimizer in (model.optimizer, model.vae_optimizer)]
        assert decays == [phase.steps] * 2


def test_alternating_follows_pretraining_or_starts_from_scratch(tmp_path: Path) -> None:
    config = quicktest.get_config().train
    assert [phase.name for phase in phases("alternating", config, 40, 200)] == ["vae", "alternating"]
    model, _, folder = run("alternating", tmp_path / "scratch", train__alternating_from_scratch=True)
    assert not folder.vae.exists() and not same_weights(model.decoder, fresh_model().decoder)


def test_shared_pretraining_gives_what_own_pretraining_gives(trained: tuple, tmp_path: Path) -> None:
    config, shared = plain_config(), tmp_path / "vae.keras"
    for name in ("first", "second"):
        folder = RunFolder(tmp_path / name)
        folder.claim(json.loads(config.to_json()), trained[1])
        assert same_weights(trained[0], train(config, trained[1], folder, shared)[0])
        assert shared.exists()
    assert "vae" not in (tmp_path / "second" / "history.csv").read_text()


def test_members_of_an_ensemble_share_their_labels_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, seen = [], batches_seen(monkeypatch)
    watched = ETVAE.fit

    def fit(self: ETVAE, *args: object, **kwargs: object) -> object:
        begun.append(self.get_weights())
        return watched(self, *args, **kwargs)

    monkeypatch.setattr(ETVAE, "fit", fit)
    manifests, first_batches = [], []
    for name, member in (("first", 0), ("second", 1), ("again", 1)):
        before = len(seen)
        _, _, folder = run("supervised", tmp_path / name, train__member=member)
        manifests.append(json.loads(folder.manifest.read_text())["labelled_ids"])
        first_batches.append(np.asarray(seen[before]["labelled"][0]))
    assert manifests[0] == manifests[1] == manifests[2]
    np.testing.assert_array_equal(first_batches[1], first_batches[2])
    assert not np.array_equal(first_batches[0], first_batches[1])
    assert not any(np.array_equal(one, other) for one, other in zip(begun[0], begun[1], strict=True) if one.ndim > 1)
    for one, other in zip(begun[1], begun[2], strict=True):
        np.testing.assert_array_equal(one, other)
