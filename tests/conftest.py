"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

import etvae_tf  # noqa: F401  # before TensorFlow, whose CPU kernels it chooses: tests run those that users run

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies; the test is skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real galaxies at {REAL_DATA}")
    return REAL_DATA
