"""An exported tiny model, picture files of every kind, and a server of two versions of a stub model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from exports import broken, files, finished, model, run, version  # noqa: F401
from model_server.server import LocalServer
from serving_stub import write_version
from tensorflow_serving.config import model_server_config_pb2


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with version 1 (scale 1) and version 2 (scale 0.5)."""
    folder = tmp_path_factory.mktemp("model") / "etvae"
    write_version(folder / "1", 1.0)
    write_version(folder / "2", 0.5)
    (folder / ".building-7").mkdir()  # an export under way is no version
    return folder


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every version is served; stable is the first."""
    config = model_server_config_pb2.ModelServerConfig()
    served = config.model_config_list.config.add(name="etvae", base_path="/models/etvae", model_platform="tensorflow")
    served.model_version_policy.all.SetInParent()
    served.version_labels["stable"] = 1
    path = tmp_path_factory.mktemp("config") / "models.config"
    path.write_text(str(config))
    return path


@pytest.fixture(scope="session")
def server(versions: Path, config_file: Path):
    with LocalServer(versions, model_config_file=config_file) as running:
        yield running


@pytest.fixture
def pictures() -> list[bytes]:
    """Seven encoded pictures, the last but one of them broken."""
    random = np.random.default_rng(0)
    encode = lambda size: tf.io.encode_jpeg(random.integers(0, 255, (size, size, 3), np.uint8)).numpy()  # noqa: E731
    return [*(encode(size) for size in (8, 16, 24, 32, 40)), b"no picture", encode(48)]
