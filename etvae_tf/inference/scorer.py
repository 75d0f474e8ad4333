"""Who answers: an exported model or a finished run, ready to score picture files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from etvae_tf.data import Questions
from etvae_tf.errors import InputError
from etvae_tf.serving.decoding import predict_files
from etvae_tf.serving.export import describe, described_questions, newest_version
from etvae_tf.serving.servable import Servable
from etvae_tf.training import finished_run, load_autoencoder, load_model

__all__ = ["Scorer", "exported_scorer", "run_scorer"]


class Scorer(NamedTuple):
    """A trained model that scores picture files.

    Args:
        source: folder that the model came from.
        questions: that it answers, K answers in all.
        signatures: functions of pictures `images`, float32 (B, H, W, C) in [0, 1], by name: serving_default,
            canonicalise and, where a decoder was trained, reconstruct.
        preparation: image_size, channels and crop_fraction of those pictures.
        owner: what holds the weights, for a TensorFlow function alone does not keep them alive.
    """

    source: Path
    questions: Questions
    signatures: Mapping[str, Callable[..., dict[str, tf.Tensor]]]
    preparation: tuple[int, int, float]
    owner: object

    @property
    def decoded(self) -> Callable[..., dict[str, tf.Tensor]]:
        """The outputs of `serving_default` for pictures."""
        return self.signatures["serving_default"]

    def predict(self, files: Sequence[bytes]) -> dict[str, np.ndarray]:
        """The outputs of `predict_bytes` for B picture files."""
        encoded = tf.constant(files, tf.string, [len(files)])
        outputs = predict_files(self.decoded, encoded, *self.preparation)
        return {name: values.numpy() for name, values in outputs.items()}


def exported_scorer(export_dir: str | Path, crop_fraction: float | None = None) -> Scorer:
    """The newest exported model.

    Args:
        export_dir: folder of the versions 1, 2, ...
        crop_fraction: central part of a picture that is kept, in (0, 1]; that of the export where it is None.

    Raises:
        InputError: no exported model there, one without error bars, or an impossible crop_fraction.
    """
    _check_crop(crop_fraction)
    version = newest_version(export_dir)
    description = describe(version)
    loaded = tf.saved_model.load(str(version))
    if "vote_concentration" not in loaded.signatures["serving_default"].structured_outputs:
        raise InputError(
            f"{version} gives no vote_concentration, since an earlier release exported it; export its run again with "
            "--mode=export --workdir=RUN."
        )
    kept = description["crop_fraction"] if crop_fraction is None else crop_fraction
    preparation = (description["image_size"], description["channels"], kept)
    return Scorer(version, described_questions(description), loaded.signatures, preparation, loaded)


def run_scorer(workdir: str | Path, crop_fraction: float | None = None, with_decoder: bool = False) -> Scorer:
    """The model of a finished run.

    Args:
        workdir: folder of the run.
        crop_fraction: central part of a picture that is kept, in (0, 1]; that of the run where it is None.
        with_decoder: whether `reconstruct` is wanted, too, for which the run's autoencoder is loaded.

    Raises:
        InputError: no such run, it is not finished, its model cannot be loaded, or an impossible crop_fraction.
    """
    _check_crop(crop_fraction)
    run = finished_run(workdir)
    kept = run.config.data.crop_fraction if crop_fraction is None else crop_fraction
    model = load_model(run.folder.model)
    autoencoder = load_autoencoder(run.config, run.folder, model) if with_decoder else None
    servable = Servable(model, kept, autoencoder, run.even_concentrations, run.n_votes, run.novelty)
    preparation = (run.config.data.image_size, run.config.data.channels, kept)
    return Scorer(run.folder.path, run.questions, servable.functions, preparation, servable)


def _check_crop(crop_fraction: float | None) -> None:
    if crop_fraction is not None and not 0 < crop_fraction <= 1:
        raise InputError(f"crop_fraction={crop_fraction}, expected a number in (0, 1]; 1 keeps the whole picture.")
