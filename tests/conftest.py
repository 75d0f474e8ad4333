"""Shared fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real galaxies; the test is skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real galaxies at {REAL_DATA}")
    return REAL_DATA
