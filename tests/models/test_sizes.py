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
    "default": 960_711,
    "paper": 469_619,
    "quicktest": 9_707,
    "paper_regimes": 960_711,
    "table1": 965_417,
    "table1_quick": 668_969,
    "counts": 965_417,
    "ablations": 965_417,
}


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.py")), ids=lambda path: path.stem)
def test_number_of_parameters(path: Path) -> None:
    config = importlib.import_module(f"configs.{path.stem}").get_config()
    validate_config(config)
    model = build_model(config.model, config.data.image_size, config.data.channels, answers=3)
    assert sum(math.prod(weights.shape) for weights in model.trainable_variables) == PARAMETERS[path.stem]
