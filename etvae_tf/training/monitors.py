"""Callbacks for what Keras has none: galaxies to look at, collapse of the posterior, the law of the pose.

Each measures at the end of epochs, on pictures it was given. What it puts into the epoch's logs is seen by the
callbacks that come after it in the list (CSVLogger, TensorBoard, EarlyStopping).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.data import to_float
from etvae_tf.errors import InputError
from etvae_tf.geometry import angle_difference, pixel_points
from etvae_tf.models import ETVAE
from etvae_tf.objectives import kl_to_standard_normal
from etvae_tf.training.phases import Phase

__all__ = ["GalaxyPanel", "PoseEquivariance", "PosteriorCollapse", "phase_monitors"]

_ACTIVE_VARIANCE = 0.01  # of a unit's posterior mean over galaxies, above which it is active (Burda et al. 2016)
_BATCH = 128  # galaxies encoded at once
_MONITORED, _SHOWN = 128, 8  # galaxies of a run that are measured, and shown
_EVERY = 5  # epochs of a run: about 1 % of its time
_TICK_FROM, _TICK_WIDTH = 0.8, 0.7  # of the inscribed radius; half of it in pixels


class _Monitor(keras.callbacks.Callback):
    """Measures at the end of the first epoch, of every `every`-th one after it, and of the last."""

    def __init__(self, images: Any, every: int):
        super().__init__()
        self.images = tf.convert_to_tensor(images, tf.float32)
        self.every = every

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measures, where it is time."""
        if epoch % self.every == 0 or epoch + 1 == self.params["epochs"]:
            self.measure(epoch, logs)


class _Summaries(_Monitor):
    """With a TensorBoard run of its own: TensorBoard reads one open event file in a folder."""

    def __init__(self, images: Any, every: int, path: Path):
        super().__init__(images, every)
        self.path = path

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Opens the event file."""
        self.writer = tf.summary.create_file_writer(str(self.path))

    def measure(self, epoch: int, logs: dict[str, float]) -> None:
        """Measures, and writes at step `epoch`."""
        with self.writer.as_default(epoch), tf.summary.record_if(True):
            self.summarise(logs)
        self.writer.flush()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Closes the event file."""
        self.writer.close()


class GalaxyPanel(_Summaries):
    """Draws galaxies into the TensorBoard run `galaxies`: one picture (N * H, 3 * W), one row per galaxy.

    From left to right: the input, its canonical view, its reconstruction; shown by their square root, which lifts
    faint arms. Ticks at the rim of the input point where its predicted pose does: m of them for a pose modulo 2 pi / m,
    none without pose prediction.

    Args:
        images: float array (N, H, W, C), in [0, 1]; some eight.
        log_dir: that of the TensorBoard callback.
        every: so many epochs.
    """

    def __init__(self, images: Any, log_dir: str | Path, every: int = 1):
        super().__init__(images, every, Path(log_dir) / "galaxies")

    def summarise(self, logs: dict[str, float]) -> None:
        """Writes the picture."""
        posterior, reconstructions = self.model.reconstruct(self.images)
        views = [self.images, posterior.canonical, reconstructions]
        row = np.sqrt(np.clip(np.concatenate(views, axis=2), 0.0, 1.0))
        count, height, width, channels = self.images.shape
        if self.model.encoder.pose is not None:
            period = self.model.encoder.pose.group.angle_period
            row[:, :, :width][_ticks(posterior.pose[:, 0], period, height, width)] = 1.0
        titles = "input with its pose | canonical view | reconstruction"
        tf.summary.image("galaxies", row.reshape(1, count * height, -1, channels), description=titles)


def _ticks(angles: tf.Tensor, period: float, height: int, width: int) -> np.ndarray:
    """Pixels near the rim and in direction angles (N,) + k * period, in radians: bool array (N, H, W)."""
    x, y = pixel_points(height, width).T
    radius, rim = np.hypot(x, y), min(height, width) / 2
    away = np.abs(angle_difference(np.arctan2(y, x)[None], np.asarray(angles)[:, None], period)) * radius
    near = (away < _TICK_WIDTH) & (radius > _TICK_FROM * rim) & (radius < rim)
    return near.reshape(-1, height, width)


class PosteriorCollapse(_Summaries):
    """Counts the latent units that say anything about the galaxy (Burda et al. 2016, Eq. 11 in section 5.2).

        active = {j : Var_x(E[z_j | x]) > 0.01}

    Logs: `active_units`, in 0 .. Z, and `kl_nats`, the KL to the prior per galaxy, summed over units. TensorBoard run
    `posterior`: histograms over the Z units of their KL in nats and of that variance.

    Args:
        images: float array (N, H, W, C), in [0, 1]; a hundred or more, for the variance.
        log_dir: that of the TensorBoard callback.
        every: so many epochs.
    """

    def __init__(self, images: Any, log_dir: str | Path, every: int = 1):
        super().__init__(images, every, Path(log_dir) / "posterior")

    def summarise(self, logs: dict[str, float]) -> None:
        """Adds to the logs, and writes the histograms."""
        posteriors = [self.model.encoder(batch) for batch in _split(self.images)]
        loc, scale = (tf.concat([getattr(q, name) for q in posteriors], axis=0) for name in ("loc", "scale"))
        kl = tf.reduce_mean(kl_to_standard_normal(loc, scale), axis=0)
        variance = tf.math.reduce_variance(loc, axis=0)
        logs["active_units"] = int(np.sum(variance > _ACTIVE_VARIANCE))
        logs["kl_nats"] = float(tf.reduce_sum(kl))
        tf.summary.histogram("kl_per_unit_nats", kl)
        tf.summary.histogram("variance_of_mean_per_unit", variance)


def _split(images: tf.Tensor) -> list[tf.Tensor]:
    return [images[start : start + _BATCH] for start in range(0, images.shape[0], _BATCH)]


class PoseEquivariance(_Monitor):
    """Puts `val_pose_error_degrees` into the logs: the median of |pose(T_a x) - pose(x) - a|, modulo 2 pi / m.

    One random a per picture, the same in every epoch. 45 degrees is chance for m = 2, 90 for m = 1.

    Args:
        images: float array (N, H, W, C), in [0, 1]; galaxies kept for validation.
        every: so many epochs.
    """

    def __init__(self, images: Any, every: int = 1):
        super().__init__(images, every)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Raises:
        InputError: the model predicts no pose.
        """
        if self.model.encoder.pose is None:
            raise InputError(
                "PoseEquivariance needs a model that predicts a pose, but model.pose.group is none; leave the callback "
                "out, or build the model with group rotation."
            )

    def measure(self, epoch: int, logs: dict[str, float]) -> None:
        """Adds to the logs."""
        errors = [self.model.check_equivariance(batch, seed)[:, 0] for seed, batch in enumerate(_split(self.images))]
        logs["val_pose_error_degrees"] = float(np.degrees(np.median(np.concatenate(errors))))


def phase_monitors(model: ETVAE, phase: Phase, images: np.ndarray, log_dir: Path) -> list[keras.callbacks.Callback]:
    """What watches a phase of a run: the pose, if there is one; decoder and posterior while they are trained.

    Args:
        model: of the run.
        phase: of the run.
        images: uint8 array (N, H, W, C), validation galaxies; none watch nothing.
        log_dir: that of the TensorBoard callback.
    """
    if not len(images):
        return []
    watched = to_float(images[:_MONITORED])
    pose = [] if model.encoder.pose is None else [PoseEquivariance(watched, _EVERY)]
    if not phase.unlabelled:
        return pose
    return [*pose, GalaxyPanel(watched[:_SHOWN], log_dir, _EVERY), PosteriorCollapse(watched, log_dir, _EVERY)]
