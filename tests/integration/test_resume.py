"""A run that is killed and started again ends bit-identical to one that was left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import etvae_tf  # noqa: F401  registers the model for load_model

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 4  # of each phase: enough to be killed in the middle


def command(regime: str, workdir: Path) -> list[str]:
    """A tiny run of many short epochs."""
    per_label = 2 * EPOCHS / 40  # quicktest's labels
    steps = [f"--config.train.vae_steps={2 * EPOCHS}", f"--config.train.vote_steps_per_label={per_label}"]
    flags = [f"--regime={regime}", f"--workdir={workdir}", *steps, "--config.data.augment_rotations=True"]
    return [sys.executable, "main.py", "--config=configs/quicktest.py", *flags]


def run_killed_after(rows: int, regime: str, workdir: Path) -> None:
    """Starts the run and kills it, without warning, once its history has `rows` epochs."""
    process = subprocess.Popen(command(regime, workdir), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    history = workdir / "history.csv"
    while not history.exists() or len(pd.read_csv(history)) < rows:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (workdir / "metrics.json").exists()


def test_killed_run_ends_bit_identical(tmp_path: Path) -> None:
    """Killed where ELBO and vote steps alternate, after pre-training."""
    regime = "alternating"
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(regime, whole), cwd=ROOT, check=True, capture_output=True)
    run_killed_after(EPOCHS + 2, regime, killed)
    subprocess.run(command(regime, killed), cwd=ROOT, check=True, capture_output=True)

    assert (whole / "history.csv").read_text() == (killed / "history.csv").read_text()
    first, second = (keras.saving.load_model(folder / "model.keras") for folder in (whole, killed))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    measured = [json.loads((folder / "metrics.json").read_text()) for folder in (whole, killed)]
    for metrics in measured:
        metrics.pop("wall_seconds")
    assert measured[0] == measured[1]
