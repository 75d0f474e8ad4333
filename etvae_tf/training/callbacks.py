"""What a run must not lose: after every epoch its history, its best weights and a checkpoint to go on from."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data import to_float
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.training.folder import RunFolder
from etvae_tf.training.phases import Phase

__all__ = ["RunState", "Upright"]

_UPRIGHT = 512  # galaxies whose common major axis is made vertical


class RunState(keras.callbacks.Callback):
    """Saves where the run is; `start` finds it again.

    Keras's own BackupAndRestore knows one `fit`; a run has several phases, a history over all of them and the best
    weights so far, and the three must agree after a kill. The checkpoint is written last, so what it names exists.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: RunFolder):
        super().__init__()
        self.folder = folder
        self.best_path = folder.checkpoints / "best.weights.h5"
        self.phase_index = tf.Variable(0, dtype=tf.int64)
        self.epoch = tf.Variable(0, dtype=tf.int64)
        self.best = tf.Variable(math.inf, dtype=tf.float64)
        self.rows: list[dict[str, Any]] = []

    def place(self) -> int:
        """Index of the phase that the last checkpoint was written in; 0 if there is none."""
        latest = tf.train.latest_checkpoint(str(self.folder.checkpoints))
        if latest is not None:
            tf.train.Checkpoint(phase_index=self.phase_index).restore(latest).expect_partial()
        return int(self.phase_index)

    def start(self, model: keras.Model, phase_index: int, phase: Phase) -> int:
        """Begins a phase with a compiled model, or goes on in it; returns the first epoch to run.

        Going on puts the model, its optimizers, the history and the best weights back to the last checkpoint.
        """
        self.phase = phase
        resumed = phase_index == int(self.phase_index)
        checkpoint = tf.train.Checkpoint(
            model=model,
            optimizer=model.optimizer,
            vae_optimizer=model.vae_optimizer,
            phase_index=self.phase_index,
            epoch=self.epoch,
            best=self.best,
        )
        self.manager = tf.train.CheckpointManager(checkpoint, str(self.folder.checkpoints), max_to_keep=1)
        if resumed and self.manager.restore_or_initialize() is not None:
            place = (phase_index, int(self.epoch))
            history = pd.read_csv(self.folder.history, engine="pyarrow")  # exact; others may lose the last bit
            done = [(row.phase_index, row.epoch) < place for row in history.itertuples()]
            self.rows = history[done].to_dict("records")
        elif not resumed:
            self.phase_index.assign(phase_index)
            self.epoch.assign(0)
            self.best.assign(math.inf)
        return int(self.epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Writes history, best weights by validation vote_mse, and the checkpoint.

        Raises:
            InputError: training has diverged; what was saved before stays as it was.
        """
        logs = logs or {}
        lost = [name for name, value in logs.items() if not math.isfinite(value)]
        if lost:
            raise InputError(
                f"training diverged in epoch {epoch + 1} of phase {self.phase.name} ({', '.join(lost)} not finite); "
                "lower train.vae_learning_rate or train.vote_learning_rate and choose a new --workdir."
            )
        place = {"phase_index": int(self.phase_index), "phase": self.phase.name, "epoch": epoch}
        self.rows.append({**place, **{name: float(value) for name, value in logs.items()}})
        table = pd.DataFrame(self.rows)
        write_atomically(self.folder.history, lambda path: table.to_csv(path, index=False))
        if logs.get("val_vote_mse", math.inf) < float(self.best):
            self.best.assign(logs["val_vote_mse"])
            write_atomically(self.best_path, self.model.save_weights)
        self.epoch.assign(epoch + 1)
        self.manager.save()

    def finish(self, model: keras.Model) -> None:
        """Gives the model the weights of the last phase's best epoch, where validation chose one."""
        if math.isfinite(float(self.best)):
            model.load_weights(self.best_path)


class Upright(keras.callbacks.Callback):
    """Makes canonical views upright before every epoch: training turns them slowly, see `Pose.make_upright`.

    Args:
        images: uint8 array (N, H, W, C), galaxies that training sees.
    """

    def __init__(self, images: np.ndarray):
        super().__init__()
        self.images = to_float(images[:_UPRIGHT])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Before the epoch's first step, so that a run that is resumed there does the same."""
        self.model.encoder.pose.make_upright(self.images)
