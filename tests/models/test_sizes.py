"""Every named config's model, with its exact number of parameters; a new config must be entered here."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest

from etvae_tf import build_model
from etvae_tf.training import validate_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PARAMETERS = {
    "default": 952_519,
    "paper": 449_619,
    "quicktest": 9_675,
    "paper_regimes": 952_519,
    "table1": 957_225,
    "start": 957_225,
    "tree": 957_225,
    "table1_quick": 660_777,
    "counts": 957_225,
    "ablations": 957_225,
    "baselines": 957_225,
    "distilled": 957_225,
}


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda path: path.stem)
def test_number_of_parameters(path: Path) -> None:
    config = importlib.import_module(f"configs.{path.stem}").get_config()
    validate_config(config)
    model = build_model(config.model, config.data.image_size, config.data.channels, answers=(3,))
    assert sum(math.prod(weights.shape) for weights in model.trainable_variables) == PARAMETERS[path.stem]
