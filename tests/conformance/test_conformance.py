"""One table of every public layer and model, and every property over all of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model
from tolerances import BATCH_ATOL, SAVED_ATOL, XLA_ATOL

import etvae_tf
from etvae_tf import layers, models
from etvae_tf.geometry import RotationGroup, RotationScaleGroup

IMAGES = tf.random.stateless_uniform([4, 16, 16, 1], [0, 1])
MAPS = tf.random.stateless_normal([4, 8, 6, 2], [0, 2])
LATENT = tf.random.stateless_normal([4, 5], [0, 3])
SCALE = tf.random.stateless_uniform([4, 5], [0, 4], 0.1, 1.0)
ANGLE = tf.random.stateless_uniform([4, 1], [0, 5], -3.0, 3.0)
GRID = {"filters": (3,), "angles": 16, "radii": 6}
SEED = tf.constant([1, 2])


def rotation_pose() -> layers.RotationPose:
    return layers.RotationPose(2, **GRID)


# name -> (maker, inputs with a batch axis, inputs without)
TABLE = {
    "CanonicalResampling": (lambda: layers.CanonicalResampling(RotationGroup(), 16, 6), (IMAGES,), ()),
    "CyclicConv2D": (lambda: layers.CyclicConv2D(3, radial_stride=2), (MAPS,), ()),
    "PictureConv2D": (lambda: layers.PictureConv2D(4, activation="relu"), (IMAGES,), ()),
    "PictureConv2DTranspose": (lambda: layers.PictureConv2DTranspose(3, activation="sigmoid"), (MAPS,), ()),
    "Pose": (lambda: layers.Pose(RotationScaleGroup(1), **GRID), (IMAGES,), ()),
    "RotationPose": (rotation_pose, (IMAGES,), ()),
    "Transform": (lambda: layers.Transform(RotationScaleGroup()), (IMAGES, tf.concat([ANGLE, ANGLE / 20], 1)), ()),
    "Rotation": (lambda: layers.Rotation(inverse=True), (IMAGES, ANGLE), ()),
    "PosteriorSampling": (layers.PosteriorSampling, (LATENT, SCALE), (SEED,)),
    "Encoder": (lambda: models.Encoder(5, (4, 4), rotation_pose(), residual=(1,)), (IMAGES,), ()),
    "Decoder": (lambda: models.Decoder(16, 1, (4, 4)), (LATENT,), ()),
    "VoteHead": (lambda: models.VoteHead((3, 2), 8), (LATENT,), ()),
    "ETVAE": (lambda: tiny_model(filters=(4,)), (tf.image.resize(IMAGES, (32, 32)),), ()),
}


def names(without: tuple[str, ...] = (), slow: tuple[str, ...] = ("ETVAE",)) -> list:
    """The table's rows but some; the whole model takes its time."""
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in slow)) for name in TABLE if name not in without]


every = pytest.mark.parametrize("name", names())
# What is compiled as a part of encoder or decoder is not compiled alone. Quick tests see a pose inside the encoder.
PARTS = ("CanonicalResampling", "CyclicConv2D", "PictureConv2D", "PictureConv2DTranspose", "Rotation")
every_whole = pytest.mark.parametrize("name", names(without=PARTS, slow=("ETVAE", "Pose", "RotationPose")))


def make(name: str) -> tuple[keras.layers.Layer, tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
    keras.utils.set_random_seed(3)
    maker, batched, others = TABLE[name]
    layer = maker()
    layer(*batched, *others)
    return layer, batched, others


@cache
def shared(name: str) -> tuple[keras.layers.Layer, tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
    """The same, made once: for tests that change nothing in it."""
    return make(name)


def flat(outputs: object) -> list[np.ndarray]:
    return [np.asarray(value) for value in tf.nest.flatten(outputs)]


def assert_close(first: object, second: object, atol: float) -> None:
    for one, other in zip(flat(first), flat(second), strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=atol)


def test_the_table_is_complete() -> None:
    public = {name: getattr(room, name) for room in (layers, models) for name in room.__all__}
    kinds = {name: one for name, one in public.items() if isinstance(one, type)}
    assert set(TABLE) == {name for name, one in kinds.items() if issubclass(one, keras.layers.Layer)}


@every
def test_config_round_trip(name: str) -> None:
    layer, batched, others = shared(name)
    twin = type(layer).from_config(layer.get_config())
    twin(*batched, *others)
    assert keras.saving.serialize_keras_object(twin)["config"] == keras.saving.serialize_keras_object(layer)["config"]
    twin.set_weights(layer.get_weights())
    assert_close(twin(*batched, *others), layer(*batched, *others), SAVED_ATOL)


@keras.saving.register_keras_serializable("etvae_tf_tests")
class Wrapper(keras.Model):
    """A model of one layer, since only models are saved."""

    def __init__(self, layer: keras.layers.Layer, **kwargs: object):
        super().__init__(**kwargs)
        self.layer = layer

    def call(self, inputs: list[tf.Tensor]) -> object:
        return tf.nest.flatten(self.layer(*inputs))

    def get_config(self) -> dict:
        return {"layer": keras.saving.serialize_keras_object(self.layer)}

    def build_from_config(self, config: dict) -> None:
        """Nothing: the layer comes built."""

    @classmethod
    def from_config(cls, config: dict) -> Wrapper:
        return cls(keras.saving.deserialize_keras_object(config["layer"]))


@pytest.mark.parametrize("name", names(without=("ETVAE",)))
def test_save_and_load(name: str, tmp_path: Path) -> None:
    layer, batched, others = shared(name)
    wrapper = Wrapper(layer)
    before = wrapper([*batched, *others])
    wrapper.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    assert_close(loaded([*batched, *others]), before, SAVED_ATOL)


@pytest.mark.slow
def test_save_and_load_the_compiled_model(tmp_path: Path) -> None:
    model, (images,), _ = make("ETVAE")
    model.compile("adam", keras.optimizers.Adam(2e-3), kl_weight=0.5)
    batch = {"unlabelled": images, "labelled": (images, tf.ones([4, 3]))}
    model.train_step(batch)
    model.train_step({"unlabelled": images})
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, etvae_tf.ETVAE) and loaded.kl_weight == 0.5
    assert_close(loaded(images), model(images), SAVED_ATOL)
    assert (int(loaded.optimizer.iterations), int(loaded.vae_optimizer.iterations)) == (1, 2)
    for one in (model, loaded):
        one.train_step(batch)
    assert_close(loaded.get_weights(), model.get_weights(), SAVED_ATOL)


@every
def test_symbolic_call_gives_the_shapes_of_a_real_one(name: str) -> None:
    layer, batched, others = shared(name)
    free = [keras.Input(value.shape[1:]) for value in batched]
    fixed = [keras.Input(batch_shape=value.shape, dtype=value.dtype.name) for value in others]
    symbolic = [tuple(value.shape) for value in tf.nest.flatten(layer(*free, *fixed))]
    assert symbolic == [(None, *value.shape[1:]) for value in flat(layer(*batched, *others))]


@every_whole
def test_unknown_batch_size(name: str) -> None:
    layer, batched, others = shared(name)
    free = [tf.TensorSpec([None, *value.shape[1:]], value.dtype) for value in batched]
    fixed = [tf.TensorSpec(value.shape, value.dtype) for value in others]
    function = tf.function(lambda *inputs: layer(*inputs), input_signature=[*free, *fixed])
    for count in (4, 1, 3):
        rows = [value[:count] for value in batched]
        assert_close(function(*rows, *others), layer(*rows, *others), BATCH_ATOL)


@pytest.mark.parametrize("name", names(without=("PosteriorSampling",)))  # its draws are per batch
def test_batch_of_one_equals_its_row(name: str) -> None:
    layer, batched, others = shared(name)
    whole = flat(layer(*batched, *others))
    for row in range(2):
        alone = flat(layer(*(value[row : row + 1] for value in batched), *others))
        assert_close(alone, [value[row : row + 1] for value in whole], BATCH_ATOL)


@pytest.mark.slow
@every_whole
def test_xla_equals_eager(name: str) -> None:
    layer, batched, others = shared(name)
    function = tf.function(lambda *inputs: layer(*inputs), jit_compile=True)
    # XLA has a random generator of its own: a draw is then compared with itself.
    reference = function if name == "PosteriorSampling" else layer
    assert_close(function(*batched, *others), reference(*batched, *others), XLA_ATOL)


@every
def test_gradients_are_finite_and_reach_every_weight(name: str) -> None:
    layer, batched, others = shared(name)
    with tf.GradientTape() as tape:
        tape.watch(batched)
        outputs = tf.nest.flatten(layer(*batched, *others))
        total = tf.add_n([tf.reduce_sum(tf.square(value)) for value in outputs])
    weights = [] if name == "ETVAE" else layer.trainable_variables  # its decoder has no part in predictions
    for gradient in tape.gradient(total, [*batched, *weights]):
        assert gradient is not None and np.isfinite(gradient).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", TABLE)
def test_another_dtype_policy_is_refused(name: str, policy: str) -> None:
    keras.mixed_precision.set_global_policy(policy)
    try:
        with pytest.raises(etvae_tf.errors.InputError, match="computed in float32"):
            TABLE[name][0]()
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.mark.slow
def test_training_step_compiles_with_xla() -> None:
    model, (images,), _ = make("ETVAE")
    model.compile("adam", "adam")
    logs = tf.function(model.train_step, jit_compile=True)(
        {"unlabelled": images, "labelled": (images, tf.ones([4, 3]))}
    )
    assert all(np.isfinite(value) for value in logs.values())
