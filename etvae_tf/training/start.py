"""What a run starts from, where it does not start from random weights: a finished run or an exported model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from etvae_tf.data import Galaxies
from etvae_tf.errors import InputError
from etvae_tf.fields import value_of
from etvae_tf.models import BUILD_FIELDS, named_weights, read_config, read_weights
from etvae_tf.training.finished import finished_run, load_model
from etvae_tf.training.folder import RunFolder

__all__ = ["Start", "check_start", "learnt_by_start", "read_start", "start_fingerprint", "take_sizes"]

_WEIGHTS = Path("assets.extra") / "weights.h5"  # of an exported model
_DESCRIPTION = Path("assets.extra") / "etvae.json"


class Start(NamedTuple):
    """Weights to start from.

    Attributes:
        weights: of `models.named_weights`.
        answers: names of the answers that their vote head gives.
    """

    weights: dict[str, np.ndarray]
    answers: tuple[str, ...]


def read_start(path: str | Path) -> Start:
    """Reads the weights of a finished run or of an exported model.

    Args:
        path: run folder, or version folder of an exported model.

    Raises:
        InputError: it is neither, or cannot be loaded.
    """
    file = _weights_file(path)
    if file.suffix == ".keras":
        return Start(named_weights(load_model(file)), finished_run(path).questions.answers)
    return Start(read_weights(file), tuple(json.loads((Path(path) / _DESCRIPTION).read_text())["answers"]))


def take_sizes(config: Any, given: Collection[str]) -> None:
    """Gives a run the sizes of the model that it starts from, where its command gave no others, and says so.

    Args:
        config: of a whole run; changed.
        given: names of the fields that the command gave, which stay.

    Raises:
        InputError: there are no weights at `config.train.init`.
    """
    taken = {name: came for name, came in _other_sizes(config).items() if name not in given}
    config.update_from_flattened_dict(taken)
    if taken:
        print(f"sizes taken from --init={config.train.init}: {_in_words(taken)}", flush=True)


def check_start(config: Any) -> None:
    """Refuses a start whose model is another than the config describes, before any work.

    Args:
        config: of a whole run.

    Raises:
        InputError: there are no weights at `config.train.init`, or fields of the config differ from the start's.
    """
    came = _other_sizes(config)
    if came:
        here = _in_words({name: value_of(config, name) for name in came})
        flags = " ".join(f'--config.{name}="{value}"' for name, value in came.items())
        raise InputError(f"--init={config.train.init} has {_in_words(came)}, but this run has {here}; add {flags}.")


def start_fingerprint(path: str | Path) -> dict[str, str]:
    """SHA-256 of the weights that a run starts from, by the name "init"; empty where it starts from none.

    Raises:
        InputError: there are no weights at the path.
    """
    return {"init": hashlib.sha256(_weights_file(path).read_bytes()).hexdigest()} if path else {}


def learnt_by_start(path: str | Path, test: Galaxies) -> int | None:
    """How many test galaxies the starting model learnt from, and says so; None where it kept no list of them.

    Args:
        path: of the run or exported model that the weights come from.
        test: the galaxies, their pictures prepared as for training.
    """
    folder = RunFolder(path)
    if not folder.learnt.exists():
        print(f"{path} keeps no list of what it learnt from: test galaxies may be among them", flush=True)
        return None
    count = int(folder.has_learnt(test).sum())
    flattery = "; their scores flatter this run" if count else ""
    print(f"the starting model learnt from {count} of {len(test)} test galaxies{flattery}", flush=True)
    return count


def _other_sizes(config: Any) -> dict[str, Any]:
    """The starting model's fields, by their full names, that differ from the config's; none without a start."""
    came = _built_with(config.train.init) if config.train.init else {}
    return {name: value for name, value in came.items() if value != value_of(config, name)}


def _in_words(fields: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in fields.items())


def _built_with(path: str | Path) -> dict[str, Any]:
    """Fields of the config that the starting model was built with, by their full names."""
    file = _weights_file(path)
    if file.suffix == ".keras":
        config = finished_run(path).config
        absent = ["model.pose"] if config.model.pose.group == "none" else []
        absent += ["model.residual"] if "residual" not in config.model else []
        names = [name for name in BUILD_FIELDS if not name.startswith(tuple(absent))]
        fields = {"model.pose.group": "none", **{name: value_of(config, name) for name in names}}
    else:
        fields = read_config(file)
    fields = {"model.residual": (), **fields}  # models of earlier releases had none
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _weights_file(path: str | Path) -> Path:
    folder = Path(path)
    if (folder / "config.json").is_file():
        return finished_run(folder).folder.model
    if (folder / _WEIGHTS).is_file() and (folder / _DESCRIPTION).is_file():
        return folder / _WEIGHTS
    raise InputError(
        f"--init={path} holds neither a finished run nor an exported model with {_WEIGHTS}; name a run folder, or the "
        "folder of a version, such as saved_models/etvae/1."
    )
