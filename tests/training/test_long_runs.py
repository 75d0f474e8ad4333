"""A long run neither traces its step again nor grows."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model

from etvae_tf import ETVAE
from etvae_tf.data import batches, synthesise

STEPS = 1000
SETTLED = 300  # steps, after which TensorFlow has its buffers
GROWTH = 8 * 2**20  # bytes; one kept batch a step would be 24 MiB, the allocator alone moves by some 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc, as Linux has it")
def test_no_retracing_and_flat_memory_over_1000_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    galaxies = synthesise(64, image_size=32)
    model = tiny_model()
    model.compile("adam", "adam", view_weight=1.0)
    traced, memory = [], []
    original = ETVAE.train_step

    def train_step(self: ETVAE, data: dict) -> dict:
        traced.append(len(memory))
        return original(self, data)

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory.append(pages * os.sysconf("SC_PAGE_SIZE"))

    monkeypatch.setattr(ETVAE, "train_step", train_step)
    pictures = (batches(galaxies.images, 8, 0, steps=STEPS, view=view) for view in (0, 1))
    labelled = batches((galaxies.images, galaxies.votes), 8, 1, steps=STEPS)
    data = {"unlabelled": tf.data.Dataset.zip(tuple(pictures)), "labelled": labelled}
    model.fit(tf.data.Dataset.zip(data), verbose=0, shuffle=False, callbacks=[Watch()])
    assert len(memory) == STEPS
    assert max(traced) == 0, "the step was traced again after the first one"
    assert np.max(memory[SETTLED:]) - memory[SETTLED] < GROWTH
