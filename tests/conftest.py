"""Shared fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from etvae_tf import ETVAE  # before TensorFlow, whose CPU kernels it chooses: tests run those that users run

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def eager_steps() -> Iterator[None]:
    """Training steps that are not traced: with the few steps of tests, tracing is most of their time."""
    compile_ = ETVAE.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ETVAE, "compile", lambda self, *args, **kwargs: compile_(self, *args, **{**kwargs, "run_eagerly": True})
        )
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies; the test is skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real galaxies at {REAL_DATA}")
    return REAL_DATA
