"""What Keras users expect of a model: summary, predict and evaluate."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model
from tolerances import BATCH_ATOL

from etvae_tf.data import evaluation_batches, synthesise

PICTURE, LATENT = (None, 32, 32, 1), (None, 4)
PARTS = {  # name -> (output shapes, parameters)
    "encoder": ([LATENT, LATENT, (None, 1), PICTURE], 5_163),
    "decoder": ([PICTURE], 3_881),
    "vote_head": ([(None, 3)], 515),
    "posterior_sampling": ([LATENT], 0),
    "pretext": ([LATENT], 116),
    "from_canonical": ([PICTURE], 0),
}
GALAXIES = synthesise(6, seed=4, image_size=32)
IMAGES = GALAXIES.images.astype(np.float32) / 255


def summarise(model: keras.Model) -> str:
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    return "\n".join(lines).translate({ord(bar): " " for bar in "│┃|"})


def test_summary_shows_every_shape_and_count() -> None:
    text = summarise(tiny_model())
    starts = [text.index(f" {name} ") for name in PARTS] + [text.index("Total params")]
    for begin, end, (shapes, parameters) in zip(starts, starts[1:], PARTS.values(), strict=False):
        row = text[begin:end]  # its cells are broken into lines; the number stands in the first
        assert row.splitlines()[0].replace(",", "").split()[-1] == str(parameters), row
        found = re.findall(r"\(None(?:,\d+)+\)", re.sub(r"\s", "", row))
        assert found == [str(shape).replace(" ", "") for shape in shapes], row
    assert "Trainable params: 9675 " in text.replace(",", "")


def test_summary_of_a_plain_vae_changes_nothing() -> None:
    model = tiny_model(pose__group="none")
    before = model(IMAGES)["vote_fractions"]
    assert "from_canonical" not in summarise(model)
    np.testing.assert_array_equal(model(IMAGES)["vote_fractions"], before)
    assert summarise(model) == summarise(model)


@pytest.mark.slow
def test_predict_takes_arrays_and_datasets() -> None:
    model = tiny_model()
    whole = model(IMAGES)
    datasets = [evaluation_batches(GALAXIES.images, 4), tf.data.Dataset.from_tensor_slices(IMAGES).batch(5)]
    for predictions in (
        model.predict(IMAGES, batch_size=4, verbose=0),
        *(model.predict(d, verbose=0) for d in datasets),
    ):
        assert set(predictions) == set(whole)
        for name, values in predictions.items():
            np.testing.assert_allclose(values, whole[name], atol=BATCH_ATOL, rtol=BATCH_ATOL, err_msg=name)


def test_evaluate_averages_over_galaxies_whatever_the_batches() -> None:
    model = tiny_model()
    model.compile(run_eagerly=True)
    labelled = tf.data.Dataset.from_tensor_slices({"labelled": (IMAGES, GALAXIES.votes)})
    whole, parts = (model.evaluate(labelled.batch(size), return_dict=True, verbose=0) for size in (6, 4))
    fractions = GALAXIES.votes / GALAXIES.votes.sum(axis=1, keepdims=True)
    error = model.encoder(IMAGES).loc
    plain = tf.nn.softmax(model.vote_head(error)).numpy()
    assert whole["vote_mse"] == pytest.approx(np.mean((plain - fractions) ** 2), rel=1e-5)
    assert parts["vote_mse"] == pytest.approx(whole["vote_mse"], rel=1e-5)
    assert parts["vote_nll"] == pytest.approx(whole["vote_nll"], rel=1e-5)
