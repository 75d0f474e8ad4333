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

from configs import quicktest
from etvae_tf.run import train_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("blank_figures")]

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 4  # of each phase: enough to be killed in the middle


# A tiny run of many short epochs; it has 40 labels.
CHANGES = {
    "regime": "alternating",
    "train.vae_steps": 2 * EPOCHS,
    "train.vote_steps_per_label": 2 * EPOCHS / 40,
    "data.augment_rotations": True,
    "model.filters": (4,),
}


def run(workdir: Path) -> None:
    """Runs in this process to the end."""
    config = quicktest.get_config()
    config.update_from_flattened_dict(CHANGES)
    train_run(config, str(workdir))


def run_killed_after(rows: int, workdir: Path) -> None:
    """Starts the same run in another process and kills it, without warning, once its history has `rows` epochs."""
    flags = [f"--config.{name}={value}" for name, value in CHANGES.items()]
    command = [sys.executable, "main.py", "--config=configs/quicktest.py", f"--workdir={workdir}", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    history = workdir / "history.csv"
    while not history.exists() or len(pd.read_csv(history)) < rows:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (workdir / "metrics.json").exists()


def test_killed_run_ends_bit_identical(tmp_path: Path) -> None:
    """Killed where ELBO and vote steps alternate, after pre-training."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run(whole)
    run_killed_after(EPOCHS + 2, killed)
    run(killed)

    assert (whole / "history.csv").read_text() == (killed / "history.csv").read_text()
    first, second = (keras.saving.load_model(folder / "model.keras") for folder in (whole, killed))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    measured = [json.loads((folder / "metrics.json").read_text()) for folder in (whole, killed)]
    for metrics in measured:
        metrics.pop("wall_seconds")
    assert measured[0] == measured[1]
