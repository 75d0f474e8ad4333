"""Shared fixtures."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection() -> None:
    """Imports the package before TensorFlow, whose CPU kernels it chooses: tests run those that users run.

    Only the processes that run tests come here; the one that hands tests out to two others needs no TensorFlow.
    """
    importlib.import_module("etvae_tf")


def pytest_collection_finish() -> None:
    """What is imported by now stays: the garbage collector need not walk through TensorFlow again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def eager_steps() -> Iterator[None]:
    """Training steps that are not traced: with the few steps of tests, tracing is most of their time."""
    model = importlib.import_module("etvae_tf").ETVAE
    compile_ = model.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            model, "compile", lambda self, *args, **kwargs: compile_(self, *args, **{**kwargs, "run_eagerly": True})
        )
        yield


@pytest.fixture(scope="module")
def blank_figures() -> Iterator[None]:
    """Figures that are files of one pixel, for tests of whole runs: drawing takes as long as their training."""

    def save(figure: Figure, file: object, **_: object) -> None:
        Image.new("L", (1, 1)).save(file, "PNG")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies; the test is skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real galaxies at {REAL_DATA}")
    return REAL_DATA
