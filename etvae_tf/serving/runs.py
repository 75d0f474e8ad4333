"""Trained runs, as far as exporting and predicting need them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import keras

from etvae_tf.errors import InputError
from etvae_tf.models import ETVAE
from etvae_tf.training import RunFolder

__all__ = ["FinishedRun", "finished_run", "load_model"]


class FinishedRun(NamedTuple):
    """A run that was trained and evaluated: its folder, its config and the names of its K answers."""

    folder: RunFolder
    config: dict[str, Any]
    answers: tuple[str, ...]


def finished_run(workdir: str | Path) -> FinishedRun:
    """Reads what a run says about itself.

    Raises:
        InputError: no such run, or it is not finished.
    """
    folder = RunFolder(workdir)
    config = folder.read_config()
    if not folder.metrics.exists():
        raise InputError(f"the run in {folder.path} is not finished; repeat its training command to finish it.")
    return FinishedRun(folder, config, tuple(json.loads(folder.metrics.read_text())["answers"]))


def load_model(path: Path) -> ETVAE:
    """A model that a run saved.

    Raises:
        InputError: Keras cannot load it.
    """
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises all kinds: a file of another release, or of other code
        raise InputError(
            f"{path} cannot be loaded by Keras {keras.__version__} ({type(error).__name__}: {error}); use the "
            "installation that trained it, see manifest.json beside it."
        ) from error
