"""Fixtures that tests of `serving` and `inference` share: a model, its export, a run folder and picture files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from galaxies import tiny_model
from pictures import broken_files, picture_files

from configs import quicktest
from etvae_tf import ETVAE
from etvae_tf.data import Question, Questions
from etvae_tf.serving.export import export_model

__all__ = ["broken", "files", "model", "run", "version"]

ANSWERS = ["round", "spiral", "star"]
QUESTIONS = Questions((Question("shape", tuple(ANSWERS)),))
METRICS = {"questions": {"shape": ANSWERS}, "concentrations": {"shape": 7.0}, "n_votes": {"shape": 40.0}}


@pytest.fixture(scope="session")
def model() -> ETVAE:
    """Tiny and untrained."""
    return tiny_model()


@pytest.fixture(scope="session")
def version(model: ETVAE, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its version folder; pictures are cropped to 0.8."""
    return export_model(model, tmp_path_factory.mktemp("exports") / "etvae", QUESTIONS, 0.8, model, [7.0], [40.0])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished two-step run, as far as an export or a prediction reads it; `model` is what it trained."""
    folder = tmp_path / "run"
    folder.mkdir()
    config = quicktest.get_config()
    config.data.crop_fraction = 0.8
    (folder / "config.json").write_text(config.to_json())
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    for seed, name in enumerate(("model.keras", "vae.keras")):
        trained = tiny_model(seed)
        trained.compile()
        trained.save(folder / name)
    return folder


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Readable pictures by what they are."""
    return picture_files()


@pytest.fixture(scope="session")
def broken() -> dict[str, bytes]:
    """What no decoder takes."""
    return broken_files()
