"""The project's own callbacks: what they leave in logs and TensorBoard, and that they see what they look for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from galaxies import synthetic_images, tiny_model
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tolerances import KL_ATOL, POSE_DEGREES

from configs import quicktest
from etvae_tf import ETVAE
from etvae_tf.errors import InputError
from etvae_tf.geometry import RotationGroup, angular_moments
from etvae_tf.training import GalaxyPanel, PoseEquivariance, PosteriorCollapse, monitors, phases
from etvae_tf.training.callbacks import Upright

IMAGES = synthetic_images(12, 32)
SILENT = 1e-12  # a learning rate that moves nothing worth mention


def fit(model: ETVAE, *callbacks: keras.callbacks.Callback, epochs: int = 1) -> dict[str, list]:
    """Epochs of one step that leaves the weights as they are; the history."""
    model.compile("sgd", keras.optimizers.SGD(SILENT), run_eagerly=True)
    data = tf.data.Dataset.from_tensors({"unlabelled": IMAGES[:2]})
    history = model.fit(data, epochs=epochs, callbacks=list(callbacks), shuffle=False, verbose=0)
    return history.history


def events(path: Path) -> EventAccumulator:
    return EventAccumulator(str(path), size_guidance={"tensors": 0}).Reload()


def picture(path: Path, index: int = 0) -> np.ndarray:
    """The panel as TensorBoard shows it: uint8."""
    width, height, *pictures = tf.make_ndarray(events(path / "galaxies").Tensors("galaxies")[index].tensor_proto)
    assert len(pictures) == 1
    decoded = tf.io.decode_png(pictures[0]).numpy()
    assert decoded.shape[:2] == (int(height), int(width))
    return decoded


@pytest.mark.slow
def test_logs_reach_the_callbacks_after_them(tmp_path: Path) -> None:
    own = [PoseEquivariance(IMAGES), GalaxyPanel(IMAGES[:3], tmp_path), PosteriorCollapse(IMAGES, tmp_path)]
    keras_own = [
        keras.callbacks.TensorBoard(str(tmp_path)),
        keras.callbacks.CSVLogger(f"{tmp_path}/h.csv"),
    ]
    history = fit(tiny_model(), *own, *keras_own, epochs=2)
    names = ["active_units", "kl_nats", "val_pose_error_degrees"]
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "h.csv")[names], pd.DataFrame(history)[names], check_dtype=False
    )
    for run, tag, column in (
        ("train", "epoch_kl_nats", names[1]),
        ("validation", "epoch_pose_error_degrees", names[2]),
    ):
        written = [float(tf.make_ndarray(event.tensor_proto)) for event in events(tmp_path / run).Tensors(tag)]
        np.testing.assert_allclose(written, history[column], rtol=1e-6)
    assert [event.step for event in events(tmp_path / "galaxies").Tensors("galaxies")] == [0, 1]
    assert picture(tmp_path, 1).shape == (3 * 32, 3 * 32, 1)


@pytest.mark.slow
def test_tensorboard_of_batches_does_not_silence_them(tmp_path: Path) -> None:
    batchwise = keras.callbacks.TensorBoard(f"{tmp_path}/keras", update_freq=7)  # records at every 7th step only
    fit(tiny_model(pose__group="none"), batchwise, GalaxyPanel(IMAGES[:1], tmp_path), epochs=2)
    assert len(events(tmp_path / "galaxies").Tensors("galaxies")) == 2


def test_panel_shows_input_canonical_view_and_reconstruction(tmp_path: Path) -> None:
    model = tiny_model(channels=3)
    images = synthetic_images(4, 32, channels=3)
    model.compile(run_eagerly=True)
    panel = GalaxyPanel(images, tmp_path)
    panel.set_model(model)
    panel.on_train_begin()
    panel.measure(0, {})
    panel.on_train_end()
    shown = picture(tmp_path)
    posterior, reconstructions = model.reconstruct(images)
    ticks = monitors._ticks(posterior.pose[:, 0], np.pi, 32, 32).reshape(4 * 32, 32)
    for column, expected in enumerate((images, posterior.canonical, reconstructions)):
        part = shown[:, 32 * column : 32 * (column + 1)].astype(float) / 255
        expected = np.sqrt(expected.numpy()).reshape(4 * 32, 32, 3)
        if column == 0:
            assert (part[ticks] == 1).all() and 20 < ticks.sum() < 200
            part, expected = part[~ticks], expected[~ticks]
        np.testing.assert_allclose(part, expected, atol=1 / 255)


@pytest.mark.parametrize("order", [1, 2])
def test_ticks_point_where_the_pose_does(order: int) -> None:
    angles = tf.constant([0.0, np.pi / 2, -3 * np.pi / 4])
    ticks = monitors._ticks(angles, RotationGroup(order).angle_period, 33, 33)
    right, up, down_left = (set(zip(*np.nonzero(tick), strict=True)) for tick in ticks)
    assert {(16, 31), (16, 32 - 1)} <= right and ((16, 1) in right) == (order == 2)
    assert (1, 16) in up and ((31, 16) in up) == (order == 2)
    assert (26, 6) in down_left and ((6, 26) in down_left) == (order == 2)
    assert all(abs(row - 16) <= 1 for row, _ in right)


def with_posterior(active: int) -> ETVAE:
    """A model with so many units that depend on the galaxy; the others are the prior."""
    model = tiny_model(pose__group="none", filters=(4,))
    loc, raw_scale = model.encoder.loc, model.encoder.raw_scale
    kernel = np.zeros(loc.kernel.shape, np.float32)
    kernel[:, :active] = np.random.default_rng(0).standard_normal((len(kernel), active))
    loc.set_weights([kernel, np.zeros(loc.bias.shape, np.float32)])
    unit = np.full(raw_scale.bias.shape, np.log(np.e - 1), np.float32)  # softplus of it is 1
    raw_scale.set_weights([np.zeros(raw_scale.kernel.shape, np.float32), unit])
    return model


@pytest.mark.parametrize("active", [0, 1, 3])
def test_collapse_is_seen(active: int, tmp_path: Path) -> None:
    model = with_posterior(active)
    history = fit(model, PosteriorCollapse(IMAGES, tmp_path))
    assert history["active_units"][0] == active
    loc = model.encoder(IMAGES).loc.numpy()
    assert history["kl_nats"][0] == pytest.approx(np.mean(np.sum(loc**2, axis=1)) / 2, rel=1e-3, abs=KL_ATOL)
    written = {
        name: events(tmp_path / "posterior").Tensors(name)[0]
        for name in ("kl_per_unit_nats", "variance_of_mean_per_unit")
    }
    for event in written.values():
        histogram = tf.make_ndarray(event.tensor_proto)  # rows of left edge, right edge, count
        assert histogram[:, 2].sum() == 4, "one entry a unit"
    largest = tf.make_ndarray(written["variance_of_mean_per_unit"].tensor_proto)[:, 1].max()
    assert largest == pytest.approx(loc.var(axis=0).max(), abs=0.5 + 1e-3)


@pytest.mark.slow
def test_more_galaxies_than_fit_at_once_are_the_same_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(tiny_model(pose__group="none"), PosteriorCollapse(IMAGES, tmp_path / "whole"))
    monkeypatch.setattr(monitors, "_BATCH", 5)
    parts = fit(tiny_model(pose__group="none"), PosteriorCollapse(IMAGES, tmp_path / "parts"))
    assert parts == {name: pytest.approx(values, rel=1e-5) for name, values in whole.items()}


@pytest.mark.slow
def test_pose_that_obeys_its_law_and_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    assert fit(model, PoseEquivariance(IMAGES))["val_pose_error_degrees"][0] < POSE_DEGREES
    monkeypatch.setattr(RotationGroup, "read_pose", lambda self, logits, radius: 0.0 * logits[:, 0])
    assert fit(model, PoseEquivariance(IMAGES))["val_pose_error_degrees"][0] > 20  # 45 is chance


def test_a_model_without_pose_has_none_to_watch(tmp_path: Path) -> None:
    model = tiny_model(pose__group="none")
    with pytest.raises(InputError, match="leave the callback out"):
        fit(model, PoseEquivariance(IMAGES))
    fit(model, GalaxyPanel(IMAGES[:2], tmp_path))
    shown = picture(tmp_path)[:32, :32, 0] / 255
    np.testing.assert_allclose(shown, np.sqrt(IMAGES[0, :, :, 0].numpy()), atol=1 / 255)


@pytest.mark.slow
def test_first_every_nth_and_last_epoch_are_measured() -> None:
    seen: list[bool] = []
    watch = PoseEquivariance(IMAGES[:2], every=3)
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append("val_pose_error_degrees" in logs))
    fit(tiny_model(), watch, spy, epochs=6)
    assert seen == [True, False, False, True, False, True]


@pytest.mark.slow
def test_runs_watch_what_they_train(tmp_path: Path) -> None:
    config, images = quicktest.get_config().train, np.zeros((3, 32, 32, 1), np.uint8)
    vae, votes = phases("two_step", config, 40, 200)

    def kinds(*arguments: object) -> set[type]:
        return {type(one) for one in monitors.phase_monitors(*arguments, tmp_path)}

    model, plain = tiny_model(), tiny_model(pose__group="none")
    assert kinds(model, vae, images) == {PoseEquivariance, GalaxyPanel, PosteriorCollapse}
    assert kinds(model, votes, images) == {PoseEquivariance}
    assert kinds(plain, votes, images) == kinds(model, vae, images[:0]) == set()


@pytest.mark.slow
def test_canonical_views_are_upright_from_the_first_epoch_on() -> None:
    images = synthetic_images(64, 32)
    model = tiny_model()
    model.encoder.pose.make_upright(images)
    model.encoder.pose.zero.assign_add([0.5])  # 29 degrees

    def axis() -> float:
        return float(np.degrees(np.angle(angular_moments(model.encoder.canonicalise(images)[1]).sum()) / 2))

    assert abs(abs(axis()) - 90) > 10
    fit(model, Upright((255 * images.numpy()).astype(np.uint8)))
    assert abs(abs(axis()) - 90) < 5
