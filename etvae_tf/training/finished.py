"""Trained runs, as far as scoring, exporting and predicting need them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import keras
from ml_collections import ConfigDict

from etvae_tf.data import Questions, named_questions
from etvae_tf.errors import InputError
from etvae_tf.models import ETVAE
from etvae_tf.training.folder import RunFolder
from etvae_tf.training.novelty import Novelty, read_novelty
from etvae_tf.training.phases import phases

__all__ = ["FinishedRun", "finished_run", "load_autoencoder", "load_model"]


class FinishedRun(NamedTuple):
    """A run that was trained and scored.

    Attributes:
        folder: of the run.
        config: the resolved one.
        metrics: what its metrics.json holds.
    """

    folder: RunFolder
    config: ConfigDict
    metrics: dict[str, Any]

    @property
    def questions(self) -> Questions:
        """What it learnt to answer.

        Raises:
            InputError: an arm without a network, of an earlier release, which did not keep it.
        """
        if "questions" not in self.metrics:
            raise InputError(
                f"{self.folder.metrics} does not say what was asked, since an earlier release wrote it; repeat the "
                "study's command in a new folder."
            )
        return named_questions(self.metrics["questions"], self.metrics.get("asked_after", {}))  # older runs lack it

    @property
    def even_concentrations(self) -> tuple[float, ...]:
        """Of the votes around its predictions, for each question; NaN where no labels were held out for them."""
        return self._by_question("even_concentrations")

    @property
    def n_votes(self) -> tuple[float, ...]:
        """Votes on each question, mean over the galaxies that it learnt from."""
        return self._by_question("n_votes")

    @property
    def novelty(self) -> Novelty | None:
        """How unlike its training pictures a galaxy is; None for runs of an earlier release."""
        return read_novelty(self.folder.novelty)

    def _by_question(self, metric: str) -> tuple[float, ...]:
        known = self.metrics.get(metric, {})
        return tuple(float(known.get(name, "nan")) for name in self.metrics["questions"])


def finished_run(workdir: str | Path) -> FinishedRun:
    """Reads what a run says about itself, and says where it has error bars that are no longer understood.

    Raises:
        InputError: no such run, or it is not finished.
    """
    folder = RunFolder(workdir)
    if not folder.config.exists():
        raise InputError(f"workdir {folder.path} holds no run (no config.json); give --workdir=RUN of a trained run.")
    if not folder.metrics.exists():
        raise InputError(f"the run in {folder.path} is not finished; repeat its training command to finish it.")
    metrics = json.loads(folder.metrics.read_text())
    if "concentrations" in metrics:  # one for all galaxies
        print(
            f"{folder.metrics} has a concentration of an earlier release, which meant something else, so that no error "
            "bars come from it; train the run anew in another folder to have them.",
            flush=True,
        )
    return FinishedRun(folder, ConfigDict(json.loads(folder.config.read_text())), metrics)


def load_model(path: Path) -> ETVAE:
    """A model that a run saved.

    Raises:
        InputError: there is none, or Keras cannot load it.
    """
    if not path.exists():
        raise InputError(
            f"{path.parent} holds no {path.name}, as arms of a study without a network do; give the folder of a run."
        )
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises all kinds: a file of another release, or of other code
        raise InputError(
            f"{path} cannot be loaded by Keras {keras.__version__} ({type(error).__name__}: {error}); use the "
            "installation that trained it, see manifest.json beside it."
        ) from error


def load_autoencoder(config: Any, folder: RunFolder, model: ETVAE) -> ETVAE | None:
    """What a trained run draws reconstructions from.

    Args:
        config: of the whole run.
        folder: of the run.
        model: its trained model.

    Returns:
        The model at the end of pre-training, if the regime had one; the trained model, if its decoder was trained to
        the end; None, if no decoder was trained.
    """
    if folder.vae.exists():
        return load_model(folder.vae)
    plan = phases(config.regime, config.train, config.n_labels, 1)
    return model if any(phase.unlabelled for phase in plan) else None
