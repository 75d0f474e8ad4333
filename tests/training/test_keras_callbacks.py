"""Keras's own callbacks on `ETVAE.fit`, each asked for what it must leave behind."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from galaxies import tiny_model
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from etvae_tf import ETVAE
from etvae_tf.data import batches, synthesise

pytestmark = pytest.mark.slow

STEPS = 2  # of an epoch; every epoch sees the same batches
GALAXIES = synthesise(24, image_size=32)
IMAGES = tf.constant(GALAXIES.images, tf.float32) / 255.0
VALIDATION = tf.data.Dataset.from_tensors({"unlabelled": IMAGES[16:], "labelled": (IMAGES[16:], GALAXIES.votes[16:])})


def training_set() -> tf.data.Dataset:
    images, votes = GALAXIES.images[:16], GALAXIES.votes[:16]
    parts = {
        "unlabelled": batches(images, 8, 0, steps=STEPS),
        "labelled": batches((images, votes), 8, 1, steps=STEPS),
    }
    return tf.data.Dataset.zip(parts)


def compiled_model(rate: float = 1e-3, **options: object) -> ETVAE:
    model = tiny_model(pose__group="none", filters=(4,))
    model.compile(keras.optimizers.Adam(rate), keras.optimizers.Adam(2e-3), **options)
    return model


def fit(model: ETVAE, epochs: int, *callbacks: keras.callbacks.Callback) -> pd.DataFrame:
    quiet = {"shuffle": False, "verbose": 0}
    history = model.fit(training_set(), validation_data=VALIDATION, epochs=epochs, callbacks=list(callbacks), **quiet)
    return pd.DataFrame(history.history)


def state(model: ETVAE) -> list[np.ndarray]:
    """Weights and both optimizers' variables."""
    variables = [*model.weights, *model.optimizer.variables, *model.vae_optimizer.variables]
    return [value.numpy() for value in variables]


def assert_same(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_fit_with_five_callbacks(tmp_path: Path) -> None:
    model = compiled_model(rate=0.05)  # so large that validation soon gets worse
    weights, calls, patience, epochs = [], [], 2, 30
    history = fit(
        model,
        epochs,
        keras.callbacks.TensorBoard(f"{tmp_path}/tensorboard", histogram_freq=1),
        keras.callbacks.ModelCheckpoint(f"{tmp_path}/best.keras", "val_vote_mse", save_best_only=True, mode="min"),
        keras.callbacks.EarlyStopping("val_vote_mse", patience=patience, mode="min", restore_best_weights=True),
        keras.callbacks.CSVLogger(f"{tmp_path}/history.csv"),
        keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: calls.append("begin"),
            on_epoch_end=lambda epoch, logs: weights.append([np.array(value) for value in model.get_weights()]),
            on_train_end=lambda logs: calls.append("end"),
        ),
    )
    best = int(history["val_vote_mse"].argmin())
    assert calls == ["begin", "end"] and len(weights) == len(history)

    assert len(history) == best + 1 + patience < epochs
    assert_same(model.get_weights(), weights[best])

    kept = keras.saving.load_model(tmp_path / "best.keras")
    assert_same(kept.get_weights(), weights[best])
    assert int(kept.optimizer.iterations) == int(kept.vae_optimizer.iterations) == STEPS * (best + 1)

    table = pd.read_csv(tmp_path / "history.csv")
    assert list(table.pop("epoch")) == list(range(len(history)))
    assert {"elbo", "kl", "vote_nll", "loss", "val_elbo", "val_vote_mse", "val_loss"} < set(table)
    pd.testing.assert_frame_equal(table, history, check_like=True)

    for run, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(tmp_path / "tensorboard" / run)).Reload()
        for term in ("elbo", "vote_nll", "loss"):
            written = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(f"epoch_{term}")]
            np.testing.assert_allclose(written, history[prefix + term], rtol=1e-6)  # written as float32


def test_backup_and_restore_ends_as_if_never_interrupted(tmp_path: Path) -> None:
    def interrupt(epoch: int, logs: dict) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    whole = compiled_model(run_eagerly=True)
    history = fit(whole, 4)
    backup = keras.callbacks.BackupAndRestore(f"{tmp_path}/backup")
    with pytest.raises(KeyboardInterrupt):
        fit(compiled_model(run_eagerly=True), 4, keras.callbacks.LambdaCallback(on_epoch_end=interrupt), backup)
    again = compiled_model(run_eagerly=True)
    rest = fit(again, 4, keras.callbacks.BackupAndRestore(f"{tmp_path}/backup"))
    assert int(again.optimizer.iterations) == 4 * STEPS
    assert_same(state(again), state(whole))
    pd.testing.assert_frame_equal(rest, history[2:].reset_index(drop=True), check_exact=True)
    assert not list((tmp_path / "backup").glob("*"))


@pytest.mark.parametrize("passed_on", [False, True])
def test_plateau_lowers_the_rate_of_the_votes_and_the_vae_follows_if_told(passed_on: bool) -> None:
    model = compiled_model(run_eagerly=True)
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, mode="min", min_delta=1e9)
    pass_on = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.vae_optimizer.learning_rate.assign(model.optimizer.learning_rate)
    )
    history = fit(model, 3, plateau, *[pass_on] * passed_on)
    (rate,) = {"lr", "learning_rate"} & set(history)  # Keras 2, Keras 3
    np.testing.assert_allclose(history[rate], [1e-3, 1e-3, 5e-4])
    assert float(model.optimizer.learning_rate) == pytest.approx(2.5e-4)
    assert float(model.vae_optimizer.learning_rate) == pytest.approx(2.5e-4 if passed_on else 2e-3)


@pytest.mark.parametrize("kind", ["unlabelled", "labelled"])
def test_terminate_on_nan_stops_at_the_step_that_lost_its_way(kind: str) -> None:
    model = compiled_model(run_eagerly=True)
    poison = np.where(np.arange(16) < 12, 1.0, np.nan).astype(np.float32)  # the fourth batch of four
    images = IMAGES[:16] * poison[:, None, None, None]
    rows = {"unlabelled": images, "labelled": (images, GALAXIES.votes[:16])}[kind]
    data = tf.data.Dataset.from_tensor_slices({kind: rows}).batch(4).repeat(2)
    history = model.fit(data, epochs=3, callbacks=[keras.callbacks.TerminateOnNaN()], shuffle=False, verbose=0)
    optimizer = model.vae_optimizer if kind == "unlabelled" else model.optimizer
    assert int(optimizer.iterations) == 4
    assert len(history.epoch) == 1 and np.isnan(history.history["loss"][0])
