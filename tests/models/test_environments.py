"""Where else a model may be built and used: two devices, other Keras settings, an export, large seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model
from tolerances import BATCH_ATOL, REPLICA_RTOL, XLA_ATOL

from etvae_tf import ETVAE
from etvae_tf.errors import InputError
from etvae_tf.layers import Pose
from etvae_tf.models.options import refuse_other_keras
from etvae_tf.models.steps import draw_seed

ROOT = Path(__file__).resolve().parents[2]
KERAS_2 = keras.__version__.startswith("2.")
IMAGES = np.random.default_rng(0).random((8, 32, 32, 1)).astype(np.float32)
# One step on a batch of eight, on one device and on two that have four each; the posterior is so narrow that noise, of
# which each device draws its own, does not matter.
TWO_DEVICES = """
import keras
import numpy as np
import tensorflow as tf
from galaxies import tiny_model

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
generator = np.random.default_rng(0)
images = generator.random((8, 32, 32, 1)).astype(np.float32)
votes = generator.integers(0, 20, (8, 3)).astype(np.float32)
batch = {"unlabelled": images, "labelled": (images, votes)}
ends = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        model = tiny_model(filters=(4,))
        model.encoder.raw_scale.kernel.assign(tf.zeros_like(model.encoder.raw_scale.kernel))
        model.encoder.raw_scale.bias.assign(tf.fill([4], -30.0))
        model.compile(keras.optimizers.SGD(1e-4), keras.optimizers.SGD(1e-8))
    start = [np.array(value) for value in model.trainable_variables]
    history = model.fit(tf.data.Dataset.from_tensor_slices(batch).batch(8), shuffle=False, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values()), history
    ends.append([np.array(value) - first for value, first in zip(model.trainable_variables, start)])
one, two = (np.concatenate([np.ravel(value) for value in end]) for end in ends)
print(np.abs(one - two).max() / np.abs(one).max())
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_two_devices_move_weights_as_one_does() -> None:
    ran = run(TWO_DEVICES)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert float(ran.stdout.split()[-1]) < REPLICA_RTOL


@pytest.mark.slow
@pytest.mark.parametrize("save", [ETVAE.export, tf.saved_model.save], ids=["Keras", "TensorFlow"])
def test_a_fresh_model_is_exported_and_gives_its_predictions(save: Callable[..., None], tmp_path: Path) -> None:
    model = tiny_model()
    save(model, str(tmp_path))
    served = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](tf.constant(IMAGES))
    for name, value in model(IMAGES).items():
        np.testing.assert_allclose(served[name], value, atol=XLA_ATOL)


@pytest.mark.slow
@pytest.mark.skipif(KERAS_2, reason="Keras 2 has no other backend")
def test_another_backend_is_refused_at_import() -> None:
    last = run("import etvae_tf", KERAS_BACKEND="jax").stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: Keras has the backend jax") and "KERAS_BACKEND=tensorflow" in last


@pytest.mark.slow
def test_channels_first_changes_nothing() -> None:
    expected = tiny_model()(IMAGES)
    usual = keras.backend.image_data_format()
    keras.backend.set_image_data_format("channels_first")
    try:
        found = tiny_model()(IMAGES)
    finally:
        keras.backend.set_image_data_format(usual)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=BATCH_ATOL)


def test_a_file_of_another_keras_is_refused() -> None:
    config = tiny_model().get_config()
    own = config["keras"]
    assert own == int(keras.__version__.split(".")[0])
    assert isinstance(ETVAE.from_config(dict(config)), ETVAE)
    for other in (5 - own, None):
        with pytest.raises(InputError, match="model.export"):
            ETVAE.from_config({**config, "keras": other})
    refuse_other_keras(own)


@pytest.mark.parametrize("seed", [2**30, 2**31, 2**32 - 1])
def test_any_seed_trains(seed: int) -> None:
    model = tiny_model(pose__group="none", filters=(4,))
    model.seed = seed
    model.compile()
    logs = model.train_step({"unlabelled": IMAGES, "labelled": (IMAGES, np.ones((8, 3)))})
    assert all(np.isfinite(float(value)) for value in logs.values())


def test_seeds_of_draws_are_those_of_small_seeds_and_never_twice_the_same() -> None:
    for seed in (0, 3, 2**30 - 1):
        np.testing.assert_array_equal(draw_seed(seed, 1, 7), [2 * seed + 1, 7])
    seeds = (0, 1, 2**30, 2**31, 2**31 + 1, 2**32 - 1)
    draws = {tuple(draw_seed(seed, kind, step).numpy()) for seed in seeds for kind in (0, 1) for step in (-1, 0, 1)}
    assert len(draws) == len(seeds) * 6


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    whole = tiny_model(pose__group="none")
    with pytest.raises(InputError, match=r"2 \*\* 32"):
        ETVAE(whole.encoder, whole.decoder, whole.vote_head, seed=seed)


def test_one_ring_cannot_tell_a_scale() -> None:
    with pytest.raises(InputError, match="at least 2"):
        tiny_model(pose__group="rotation_scale", pose__radii=1)
    assert isinstance(tiny_model(pose__radii=1).encoder.pose, Pose)
