"""Who answers: an exported model or a finished run, ready to score picture files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.serving.decoding import predict_files
from etvae_tf.serving.export import describe, newest_version
from etvae_tf.serving.servable import Servable
from etvae_tf.training import finished_run, load_model

__all__ = ["Scorer", "exported_scorer", "run_scorer"]


class Scorer(NamedTuple):
    """A trained model that scores picture files.

    Args:
        source: folder that the model came from.
        answers: names of the K answers.
        function: the outputs of `predict_bytes` for picture files `image_bytes`, string (B,).
        owner: what holds the weights, for a TensorFlow function alone does not keep them alive.
    """

    source: Path
    answers: Sequence[str]
    function: Callable[..., dict[str, tf.Tensor]]
    owner: object

    def predict(self, files: Sequence[bytes]) -> dict[str, np.ndarray]:
        """The outputs of `predict_bytes` for B picture files."""
        outputs = self.function(image_bytes=tf.constant(files, tf.string, [len(files)]))
        return {name: values.numpy() for name, values in outputs.items()}


def exported_scorer(export_dir: str | Path, crop_fraction: float | None = None) -> Scorer:
    """The newest exported model.

    Args:
        export_dir: folder of the versions 1, 2, ...
        crop_fraction: central part of a picture that is kept, in (0, 1]; that of the export where it is None.

    Raises:
        InputError: no exported model there, or an impossible crop_fraction.
    """
    _check_crop(crop_fraction)
    version = newest_version(export_dir)
    description = describe(version)
    loaded = tf.saved_model.load(str(version))
    if crop_fraction is None:
        return Scorer(version, description["answers"], loaded.signatures["predict_bytes"], loaded)
    size, channels = description["image_size"], description["channels"]

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "image_bytes")])
    def predict_cropped(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return predict_files(loaded.signatures["serving_default"], image_bytes, size, channels, crop_fraction)

    return Scorer(version, description["answers"], predict_cropped, loaded)


def run_scorer(workdir: str | Path, crop_fraction: float | None = None) -> Scorer:
    """The model of a finished run.

    Args:
        workdir: folder of the run.
        crop_fraction: central part of a picture that is kept, in (0, 1]; that of the run where it is None.

    Raises:
        InputError: no such run, it is not finished, its model cannot be loaded, or an impossible crop_fraction.
    """
    _check_crop(crop_fraction)
    run = finished_run(workdir)
    kept = run.config.data.crop_fraction if crop_fraction is None else crop_fraction
    servable = Servable(load_model(run.folder.model), kept, concentrations=run.concentrations, n_votes=run.n_votes)
    return Scorer(run.folder.path, run.questions.answers, servable.functions["predict_bytes"], servable)


def _check_crop(crop_fraction: float | None) -> None:
    if crop_fraction is not None and not 0 < crop_fraction <= 1:
        raise InputError(f"crop_fraction={crop_fraction}, expected a number in (0, 1]; 1 keeps the whole picture.")
