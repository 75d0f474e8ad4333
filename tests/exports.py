"""Fixtures that tests of `serving` and `inference` share: a model, its export, a run folder and picture files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from galaxies import tiny_model
from pictures import broken_files, picture_files

from configs import quicktest
from etvae_tf import ETVAE
from etvae_tf.data import Question, Questions
from etvae_tf.serving.export import export_model
from etvae_tf.training import Novelty

__all__ = ["broken", "files", "finished", "model", "run", "version"]

ANSWERS = ["round", "spiral", "star"]
QUESTIONS = Questions((Question("shape", tuple(ANSWERS)),))
NOVELTY = Novelty(np.array([0.1, 0.2, -0.3, 0.0], np.float32), np.diag([1, 2, 3, 4]).astype(np.float32))
METRICS = {"questions": {"shape": ANSWERS}, "even_concentrations": {"shape": 7.0}, "n_votes": {"shape": 40.0}}


@pytest.fixture(scope="session")
def model() -> ETVAE:
    """Tiny and untrained."""
    return tiny_model()


@pytest.fixture(scope="session")
def version(model: ETVAE, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its version folder; pictures are cropped to 0.8."""
    folder = tmp_path_factory.mktemp("exports") / "etvae"
    return export_model(model, folder, QUESTIONS, 0.8, model, [7.0], [40.0], NOVELTY)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished two-step run, as far as an export or a prediction reads it; `model` is what it trained."""
    folder = tmp_path_factory.mktemp("finished")
    config = quicktest.get_config()
    config.data.crop_fraction = 0.8
    (folder / "config.json").write_text(config.to_json())
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    np.savez(folder / "novelty.npz", **NOVELTY._asdict())
    for seed, name in enumerate(("model.keras", "vae.keras")):
        trained = tiny_model(seed)
        trained.compile()
        trained.save(folder / name)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of that run, which a test may change."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Readable pictures by what they are."""
    return picture_files()


@pytest.fixture(scope="session")
def broken() -> dict[str, bytes]:
    """What no decoder takes."""
    return broken_files()
