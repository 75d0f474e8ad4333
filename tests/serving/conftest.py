"""An exported tiny model, and picture files of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from galaxies import tiny_model
from pictures import broken_files, picture_files

from etvae_tf import ETVAE
from etvae_tf.serving.export import export_model


@pytest.fixture(scope="session")
def model() -> ETVAE:
    """Tiny and untrained."""
    return tiny_model()


@pytest.fixture(scope="session")
def version(model: ETVAE, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its version folder; pictures are cropped to 0.8."""
    return export_model(model, tmp_path_factory.mktemp("exports") / "etvae", ["round", "spiral", "star"], 0.8)


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Readable pictures by what they are."""
    return picture_files()


@pytest.fixture(scope="session")
def broken() -> dict[str, bytes]:
    """What no decoder takes."""
    return broken_files()
