"""What one training step moves, and what it must not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import synthetic_images, tiny_model

from etvae_tf import ETVAE
from etvae_tf.errors import InputError
from etvae_tf.models.steps import warmth

IMAGES = synthetic_images(6, 32)
VOTES = tf.constant([[30.0, 10, 0], [5, 35, 2], [0, 0, 0], [20, 20, 1], [40, 1, 0], [3, 3, 30]])


def compiled(model: ETVAE, **options: object) -> ETVAE:
    model.compile("adam", "adam", **options)
    return model


def weights(part: object) -> list[np.ndarray]:
    return [np.array(value) for value in part.get_weights()]


def same(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_supervised_step_never_touches_the_decoder() -> None:
    model = compiled(tiny_model())
    parts = (model.encoder, model.decoder, model.vote_head)
    before = [weights(part) for part in parts]
    scale = float(model.log_pixel_scale)
    logs = model.train_step({"labelled": (IMAGES, VOTES)})
    moved = [not same(old, weights(part)) for old, part in zip(before, parts, strict=True)]
    assert moved == [True, False, True]
    assert float(model.log_pixel_scale) == scale
    assert set(logs) == {"vote_nll", "loss"}


def test_elbo_step_never_touches_the_vote_head() -> None:
    model = compiled(tiny_model())
    parts = (model.encoder, model.decoder, model.vote_head)
    before = [weights(part) for part in parts]
    logs = model.train_step({"unlabelled": IMAGES})
    moved = [not same(old, weights(part)) for old, part in zip(before, parts, strict=True)]
    assert moved == [True, True, False]
    assert set(logs) == {"elbo", "log_likelihood", "kl", "loss"}


@pytest.mark.slow
def test_alternating_is_the_elbo_step_and_then_the_vote_step() -> None:
    together, apart = compiled(tiny_model()), compiled(tiny_model())
    together.train_step({"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)})
    apart.train_step({"unlabelled": IMAGES})
    apart.train_step({"labelled": (IMAGES, VOTES)})
    assert same(weights(together), weights(apart))


def test_frozen_encoder_stays() -> None:
    model = compiled(tiny_model(), freeze_encoder=True)
    encoder, vote_head = weights(model.encoder), weights(model.vote_head)
    model.train_step({"labelled": (IMAGES, VOTES)})
    assert same(encoder, weights(model.encoder))
    assert not same(vote_head, weights(model.vote_head))


@pytest.mark.slow
def test_galaxy_without_votes_changes_nothing() -> None:
    blank, noisy = compiled(tiny_model()), compiled(tiny_model())
    other = tf.concat([IMAGES[:2], 1.0 - IMAGES[2:3], IMAGES[3:]], axis=0)
    blank.train_step({"labelled": (IMAGES, VOTES)})
    noisy.train_step({"labelled": (other, VOTES)})
    for one, second in zip(weights(blank), weights(noisy), strict=True):
        np.testing.assert_allclose(one, second, atol=1e-6)  # Adam's first step is 1e-3 per weight
    np.testing.assert_array_equal(blank.vote_terms(IMAGES, VOTES)[2], 0.0)


@pytest.mark.slow
def test_steps_are_functions_of_seed_and_step() -> None:
    first, second, other = (compiled(tiny_model(seed)) for seed in (0, 0, 1))
    other.set_weights(first.get_weights())
    batch = {"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)}
    logs = [model.train_step(batch) for model in (first, second, other)]
    assert float(logs[0]["elbo"]) == float(logs[1]["elbo"])
    assert float(logs[0]["elbo"]) != float(logs[2]["elbo"])
    assert float(logs[0]["vote_nll"]) != float(logs[2]["vote_nll"])


@pytest.mark.parametrize(("step", "expected"), [(0, 0.25), (1, 0.5), (3, 1.0), (9, 1.0)])
def test_weights_warm_up_linearly(step: int, expected: float) -> None:
    assert float(warmth(tf.constant(step), 4)) == pytest.approx(expected)
    assert float(warmth(tf.constant(step), 0)) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["gaussian", "laplace", "bernoulli"])
def test_every_pixel_likelihood_learns(likelihood: str) -> None:
    model = compiled(tiny_model(pixel_likelihood=likelihood, pose__group="none"))
    elbos = []
    for _ in range(5):
        model.reset_metrics()
        elbos.append(float(model.train_step({"unlabelled": IMAGES})["elbo"]))
    assert np.isfinite(elbos).all() and elbos[-1] > elbos[0]


@pytest.mark.slow
def test_votes_are_learnt() -> None:
    model = tiny_model()
    model.compile(keras.optimizers.Adam(0.01))
    before = float(tf.reduce_sum(model.vote_terms(IMAGES, VOTES)))
    for _ in range(12):
        model.train_step({"labelled": (IMAGES, VOTES)})
    assert float(tf.reduce_sum(model.vote_terms(IMAGES, VOTES))) < 0.9 * before


def test_plain_vae_has_no_pose() -> None:
    model = tiny_model(pose__group="none")
    assert model.encoder.pose is None
    assert not [variable for variable in model.encoder.trainable_variables if "cyclic" in variable.name]
    assert model(IMAGES)["pose"].shape == (6, 0)
    compiled(model).train_step({"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)})


@pytest.mark.slow
def test_rotation_and_scale_needs_no_change_of_the_model() -> None:
    model = compiled(tiny_model(pose__group="rotation_scale"))
    model.train_step({"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)})
    assert model(IMAGES)["pose"].shape == (6, 2)
    assert model.check_equivariance(IMAGES).shape == (6, 2)


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 1), (96, 3), (256, 1)])
def test_sizes_and_colours(size: int, channels: int) -> None:
    model = tiny_model(size=size, channels=channels)
    images = tf.random.stateless_uniform([1, size, size, channels], [0, 0])
    posterior, reconstruction = model.reconstruct(images)
    assert reconstruction.shape == posterior.canonical.shape == images.shape


@pytest.mark.slow
def test_predictions_do_not_change_in_a_mirror() -> None:
    model = tiny_model()
    for axes in ([1], [2], [1, 2]):
        mirrored = model(tf.reverse(IMAGES, axes))["vote_fractions"]
        np.testing.assert_allclose(mirrored, model(IMAGES)["vote_fractions"], atol=1e-6)
    assert np.abs(model(tf.transpose(IMAGES, [0, 2, 1, 3]))["latent_mean"] - model(IMAGES)["latent_mean"]).max() > 1e-3


@pytest.mark.slow
def test_evaluate_reports_every_term() -> None:
    model = compiled(tiny_model())
    data = tf.data.Dataset.from_tensors({"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)})
    measured = model.evaluate(data, return_dict=True, verbose=0)
    assert {"elbo", "kl", "log_likelihood", "vote_nll", "vote_mse"} <= set(measured)
    assert measured["elbo"] == pytest.approx(measured["log_likelihood"] - measured["kl"], rel=1e-4)
    assert measured["loss"] == pytest.approx(measured["vote_nll"] - measured["elbo"], rel=1e-6)


@pytest.mark.slow
def test_arrays_may_be_of_any_type_but_bytes() -> None:
    plain, other = compiled(tiny_model()), compiled(tiny_model())
    images, votes = tf.cast(IMAGES, tf.float64), tf.cast(VOTES, tf.int64)
    expected = plain.train_step({"unlabelled": IMAGES, "labelled": (IMAGES, VOTES)})
    assert other.train_step({"unlabelled": images, "labelled": (images, votes)}) == expected
    assert other.test_step({"labelled": (images, votes)}) == plain.test_step({"labelled": (IMAGES, VOTES)})
    for step in (other.train_step, other.test_step):
        with pytest.raises(InputError, match="divide them by 255"):
            step({"unlabelled": tf.cast(255 * IMAGES, tf.uint8)})


@pytest.mark.slow
def test_views_are_contrasted_beside_the_elbo_and_asked_for() -> None:
    model, plain = compiled(tiny_model(), view_weight=10.0), compiled(tiny_model())
    pretext = weights(model.pretext)
    logs = model.train_step({"unlabelled": (IMAGES, tf.reverse(IMAGES, [2]))})
    assert set(logs) == {"elbo", "log_likelihood", "kl", "view_contrast", "loss"}
    assert not same(pretext, weights(model.pretext))
    unused = weights(plain.pretext)
    plain.train_step({"unlabelled": IMAGES})
    assert same(unused, weights(plain.pretext)) and not same(weights(model.encoder), weights(plain.encoder))
    with pytest.raises(ValueError, match="images, views"):
        model.train_step({"unlabelled": IMAGES})


def test_latents_learn_to_tell_measures() -> None:
    model = tiny_model(measures=2)
    model.compile("sgd", keras.optimizers.SGD(1e-5), kl_weight=0.0, measure_weight=1e3)
    measures = np.stack([np.arange(len(IMAGES)), np.ones(len(IMAGES))], axis=-1).astype(np.float32)
    batch = {"unlabelled": (IMAGES, IMAGES, measures)}
    latent = model.encoder(IMAGES).loc
    layer = model.pretext.measured
    expected = np.mean((latent @ layer.kernel + layer.bias - measures) ** 2)  # every number counts alike
    encoder = weights(model.encoder)
    assert float(model.train_step(batch)["measure_error"]) == pytest.approx(float(expected), rel=1e-5)
    assert not same(encoder, weights(model.encoder))
    assert model.pretext.measure_error(model.encoder(IMAGES).loc, measures).numpy().mean() < expected


def test_measures_are_asked_for_and_need_a_weight_and_a_place() -> None:
    model = tiny_model(measures=2)
    model.compile("sgd", "sgd", measure_weight=1.0)
    for batch, sentence in [
        (IMAGES, "images, views, measures"),
        ((IMAGES, IMAGES, VOTES), r"measures of shape \(\d, 3\) came, but \(B, 2\) was expected"),
        ((IMAGES, IMAGES, VOTES[:1, :2]), "one row for each picture"),
        ((IMAGES, IMAGES, VOTES, VOTES), "4 parts came, but 1 to 3 were expected"),
    ]:
        with pytest.raises(InputError, match=sentence):
            model.train_step({"unlabelled": batch})
    with pytest.raises(InputError, match="model of no measures"):
        tiny_model().compile("sgd", "sgd", measure_weight=1.0)
    model.compile("sgd", "sgd")
    unused = weights(model.pretext)
    model.train_step({"unlabelled": (IMAGES, IMAGES, VOTES[:, :2])})
    assert same(unused, weights(model.pretext))
