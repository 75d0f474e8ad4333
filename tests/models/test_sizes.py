"""Every named config's model, with its exact number of parameters; a new config must be entered here."""

from __future__ import annotations

import importlib
import json
import math
from functools import cache
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from etvae_tf import build_model
from etvae_tf.training import validate_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PARAMETERS = {
    "default": 952_519,
    "paper": 449_619,
    "quicktest": 9_675,
    "paper_regimes": 952_519,
    "table1": 957_225,
    "start": 994_153,
    "tree": 957_225,
    "tree_coverage": 957_225,
    "table1_quick": 660_777,
    "counts": 994_153,
    "acquisition": 957_225,
    "ablations": 994_153,
    "baselines": 957_225,
    "distilled": 994_153,
}


@cache
def parameters(model: str, size: int, channels: int) -> int:
    """Of a model's config as JSON; several presets have the same model, which is built once."""
    built = build_model(ConfigDict(json.loads(model)), size, channels, answers=(3,))
    return sum(math.prod(weights.shape) for weights in built.trainable_variables)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda path: path.stem)
def test_number_of_parameters(path: Path) -> None:
    config = importlib.import_module(f"configs.{path.stem}").get_config()
    validate_config(config)
    count = parameters(config.model.to_json(), config.data.image_size, config.data.channels)
    assert count == PARAMETERS[path.stem]
