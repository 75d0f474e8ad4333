"""Weights as named arrays: the committed model is the same from them, and other sizes are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from configs import quicktest
from etvae_tf.config import get_config
from etvae_tf.errors import InputError
from etvae_tf.fields import value_of
from etvae_tf.models import (
    BUILD_FIELDS,
    ETVAE,
    assign_weights,
    build_model,
    named_weights,
    read_config,
    read_weights,
    write_weights,
)
from etvae_tf.models.build import config_of

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models" / "etvae" / "1"
LIMIT = 16 * 2**20  # bytes of a version that is kept in the repository


def small(answers: tuple[int, ...] = (3,)) -> ETVAE:
    return build_model(quicktest.get_config().model, 32, 1, answers)


@pytest.mark.slow
def test_written_weights_make_another_model_the_same(tmp_path: Path) -> None:
    first, second = small(), small()
    write_weights(tmp_path / "weights.h5", first)
    before = named_weights(second)
    assert any(not np.array_equal(before[name], value) for name, value in named_weights(first).items())
    assign_weights(second, read_weights(tmp_path / "weights.h5"), vote_head=True)
    images = np.random.RandomState(0).uniform(size=(2, 32, 32, 1)).astype(np.float32)
    expected = first(images)
    for name, value in second(images).items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pose.group": "none"},
        {"residual": (1,)},
        {"pose.group": "rotation_scale", "pose.angles": 32, "classifier.units": 5},
    ],
)
def test_a_model_knows_the_config_that_builds_it(changes: dict) -> None:
    config = quicktest.get_config()
    config.model.update_from_flattened_dict(changes)
    fields = config_of(build_model(config.model, 32, 3, (3,)))
    config.data.image_size, config.data.channels = 32, 3
    assert fields == {name: value_of(config, name) for name in fields}
    assert fields["model.pose.group"] == config.model.pose.group
    assert set(fields) == set(BUILD_FIELDS) or config.model.pose.group == "none"


def test_weights_come_with_their_config(tmp_path: Path) -> None:
    model = small()
    write_weights(tmp_path / "weights.h5", model)
    fields = read_config(tmp_path / "weights.h5")
    assert fields.keys() == config_of(model).keys()
    assert fields["model.filters"] == list(model.encoder.filters)
    (tmp_path / "other.h5").write_bytes(b"no weights")
    with pytest.raises(InputError, match="other.h5 is not a readable HDF5 file .*; export the model again"):
        read_weights(tmp_path / "other.h5")


def test_every_weight_but_those_of_the_pretext_has_a_name() -> None:
    model = small()
    parts = (model.encoder, model.decoder, model.vote_head)
    assert len(named_weights(model)) == sum(len(part.weights) for part in parts) + 1


def test_another_question_keeps_its_own_vote_head() -> None:
    first, second = small(), small((2, 2))
    head = second.vote_head.get_weights()
    assign_weights(second, named_weights(first), vote_head=False)
    for one, other in zip(first.encoder.get_weights(), second.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(head, second.vote_head.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"latent_dim": 5}, "the starting model has .* where this one has .*; give config.model"),
        ({"filters": (8,)}, "the starting model has .* where this one has|the starting model has .* this one lacks"),
        ({"pose.group": "none"}, "the starting model has encoder/.*, which this one lacks"),
        ({"residual": (1,)}, "the starting model has no such weight where this one has encoder/residual_1"),
    ],
)
def test_other_sizes_are_refused_and_change_nothing(changes: dict, sentence: str) -> None:
    config = quicktest.get_config()
    config.model.update_from_flattened_dict(changes)
    other = build_model(config.model, 32, 1, (3,))
    before = named_weights(other)
    with pytest.raises(InputError, match=sentence):
        assign_weights(other, named_weights(small()), vote_head=True)
    for name, value in named_weights(other).items():
        np.testing.assert_array_equal(before[name], value)


@pytest.mark.slow
def test_the_committed_weights_are_those_of_the_committed_saved_model() -> None:
    weights, config = SHIPPED / "assets.extra" / "weights.h5", get_config()
    config.model.residual = tuple(read_config(weights)["model.residual"])
    model = build_model(config.model, 64, 3, (3,))
    assign_weights(model, read_weights(weights), vote_head=True)
    images = np.random.RandomState(0).uniform(size=(2, 64, 64, 3)).astype(np.float32)
    served = tf.saved_model.load(str(SHIPPED)).signatures["serving_default"](tf.constant(images))
    predicted = model.predict(images, verbose=0)  # traced, as what is served
    rounding = 1e-5  # one stack's kernels against the other's graph
    for name in ("vote_fractions", "latent_mean"):
        np.testing.assert_allclose(predicted[name], served[name], atol=rounding)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= LIMIT
