"""Weights of a model as named arrays in one HDF5 file, which both Keras 2 and Keras 3 read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from etvae_tf.errors import InputError
from etvae_tf.models.build import config_of
from etvae_tf.models.etvae import ETVAE

__all__ = ["assign_weights", "named_weights", "read_config", "read_weights", "write_weights"]

_PARTS = ("encoder", "decoder", "vote_head")
_CONFIG = "config"  # attribute of the file: JSON


def named_weights(model: ETVAE) -> dict[str, np.ndarray]:
    """Weights of encoder, decoder, vote head and pixel scale, by PART/LAYER/VARIABLE, in the same names on both stacks.

    The projection of the view contrast is left out: it serves pre-training alone.
    """
    return {name: variable.numpy() for name, variable in _variables(model).items()}


def write_weights(path: str | Path, model: ETVAE) -> None:
    """Writes the `named_weights` of a model, compressed, and the config that builds it."""
    with h5py.File(path, "w") as file:
        file.attrs[_CONFIG] = json.dumps(config_of(model))
        for name, value in named_weights(model).items():
            packed = {"compression": "gzip", "shuffle": True} if value.ndim else {}
            file.create_dataset(name, data=value, **packed)


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """The `named_weights` that `write_weights` wrote.

    Raises:
        InputError: the file cannot be read.
    """
    weights: dict[str, np.ndarray] = {}

    def keep(name: str, node: h5py.Dataset | h5py.Group) -> None:
        if isinstance(node, h5py.Dataset):
            weights[name] = node[()]

    with _opened(path) as file:
        file.visititems(keep)
    return weights


def read_config(path: str | Path) -> dict[str, Any]:
    """Fields of a run's config, by their full names, that build a model for the weights in a file.

    Raises:
        InputError: the file cannot be read.
    """
    with _opened(path) as file:
        return json.loads(file.attrs[_CONFIG])


def _opened(path: str | Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 file ({error}); export the model again.") from error


def assign_weights(model: ETVAE, weights: Mapping[str, np.ndarray], vote_head: bool) -> None:
    """Gives a built model the weights of another.

    Args:
        model: takes them.
        weights: of `named_weights`.
        vote_head: whether those of the vote head, too; without, it keeps its own, for other questions.

    Raises:
        InputError: the two models have other layers or sizes; the model is then as it was.
    """
    wanted = {
        name: variable for name, variable in _variables(model).items() if vote_head or not name.startswith("vote_head/")
    }
    for name, variable in wanted.items():
        came = weights[name].shape if name in weights else "no such weight"
        if came != tuple(variable.shape):
            raise InputError(
                f"the starting model has {came} where this one has {name} of {tuple(variable.shape)}; give "
                "config.model, config.data.image_size and config.data.channels the starting model's values."
            )
    extra = sorted(name for name in weights if name not in wanted and not name.startswith("vote_head/"))
    if extra:
        raise InputError(
            f"the starting model has {extra[0]}, which this one lacks; give config.model the starting model's values."
        )
    for name, variable in wanted.items():
        variable.assign(weights[name])


def _variables(model: ETVAE) -> dict[str, Any]:
    found = {"log_pixel_scale": model.log_pixel_scale}
    for part in _PARTS:
        for layer in getattr(model, part)._flatten_layers():  # in both Kerases; Keras 2's names lack the layers
            inner = {id(one) for deeper in layer._flatten_layers(include_self=False) for one in deeper.weights}
            for variable in layer.weights:
                if id(variable) not in inner:
                    found[f"{part}/{layer.name}/{variable.name.split(':')[0].split('/')[-1]}"] = variable
    return found
