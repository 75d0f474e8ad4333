"""Whatever a Keras user may hand to fit, evaluate or predict works, or is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model

from etvae_tf import ETVAE
from etvae_tf.errors import InputError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 32, 32, 1)).astype(np.float32)
VOTES = RANDOM.integers(0, 20, (6, 3))
LARGE = RANDOM.random((6, 64, 64, 1)).astype(np.float32)
BYTES = (255 * IMAGES).astype(np.uint8)
LABELLED = {"labelled": (IMAGES, VOTES)}
UNKNOWN_SIZE = tf.TensorSpec((None, None, None, 1))


@pytest.fixture(scope="module")
def model() -> ETVAE:
    model = tiny_model(pose__group="none", filters=(4,))  # traced faster
    model.compile(freeze_encoder=True)
    return model


def rows(*parts: object) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(parts[0] if len(parts) == 1 else parts).batch(3)


def unknown(images: np.ndarray) -> tf.data.Dataset:
    """Pictures whose size TensorFlow does not know before they come."""
    data = tf.data.Dataset.from_generator(lambda: iter([images]), output_signature=UNKNOWN_SIZE)
    return data.apply(tf.data.experimental.assert_cardinality(1))  # Keras 3 warns of an unknown number of batches


def generator(item: object) -> Iterator[object]:
    yield from [item] * 4


def changing() -> Iterator[object]:
    yield LABELLED
    yield {"labelled": (LARGE, VOTES)}


def unlabelled(images: object) -> dict[str, object]:
    return {"unlabelled": images}


WORKS = {
    "pictures in float64": lambda model: model.predict(IMAGES.astype(np.float64), verbose=0),
    "pictures from a generator": lambda model: model.predict(generator(IMAGES), steps=2, verbose=0),
    "pictures of unknown size": lambda model: model.predict(unknown(IMAGES), verbose=0),
    "dictionary of arrays": lambda model: model.fit(LABELLED, batch_size=3, verbose=0),
    "dataset of unknown size": lambda model: model.fit(unknown(IMAGES).map(unlabelled), verbose=0),
    "generator of dictionaries": lambda model: model.fit(generator(LABELLED), steps_per_epoch=2, verbose=0),
    "generator of 1-tuples": lambda model: model.fit(generator((LABELLED,)), steps_per_epoch=2, verbose=0),
    "validation in a 1-tuple": lambda model: model.fit(LABELLED, validation_data=(LABELLED,), verbose=0),
    "evaluation of pairs of views": lambda model: model.evaluate(unlabelled((IMAGES, IMAGES)), verbose=0),
    "one batch of training": lambda model: model.train_on_batch(LABELLED),
    "one batch of testing": lambda model: model.test_on_batch(LABELLED | unlabelled(IMAGES)),
    "votes in bytes": lambda model: model.train_on_batch({"labelled": (IMAGES, VOTES.astype(np.uint8))}),
    "lists for tuples": lambda model: model.train_step({"labelled": [IMAGES, VOTES], "unlabelled": [IMAGES, IMAGES]}),
}
REFUSED = {  # what is tried, and what the sentence must hold
    "predict another size": (lambda model: model.predict(LARGE, verbose=0), "64, ?64.*expected"),
    "predict colour": (lambda model: model.predict(np.repeat(IMAGES, 3, -1), verbose=0), "32, ?3[^0-9].*expected"),
    "predict without channels": (lambda model: model.predict(IMAGES[..., 0], verbose=0), "32, ?32[^,].*expected"),
    "predict bytes": (lambda model: model.predict(BYTES, verbose=0), "divide them by 255"),
    "predict whole numbers": (lambda model: model.predict(BYTES.astype(np.int64), verbose=0), "divide them by 255"),
    "predict a dictionary": (lambda model: model.predict(unlabelled(IMAGES), verbose=0), "give pictures alone"),
    "predict unknown sizes": (lambda model: model.predict(unknown(LARGE), verbose=0), "64.*expected"),
    "predict nothing": (lambda model: model.predict(None), "predict got no data"),
    "predict_on_batch": (lambda model: model.predict_on_batch(LARGE), "64"),
    "call another size": (lambda model: model(LARGE), "resize"),
    "call bytes": (lambda model: model(BYTES), "divide them by 255"),
    "call a list": (lambda model: model([IMAGES, IMAGES]), "a list came"),
    "fit a misspelt key": (lambda model: model.fit(rows({"labeled": (IMAGES, VOTES)}), verbose=0), "labeled"),
    "fit a key too many": (lambda model: model.fit(LABELLED | {"weights": VOTES}, verbose=0), "weights"),
    "fit a misspelt generator": (lambda model: model.fit(generator(({"x": VOTES},)), steps_per_epoch=2), "'x'"),
    "fit arrays": (lambda model: model.fit(IMAGES, VOTES), "fit got y.*labelled"),
    "fit pictures alone": (lambda model: model.fit(IMAGES, verbose=0), "dictionary was expected"),
    "fit a list": (lambda model: model.fit([IMAGES, VOTES], verbose=0), "dictionary was expected"),
    "fit a dataset of pairs": (lambda model: model.fit(rows(IMAGES, VOTES), verbose=0), "2 parts came"),
    "fit weighted": (lambda model: model.fit(rows(LABELLED, VOTES, VOTES[:, 0]), verbose=0), "3 parts came"),
    "fit with sample_weight": (lambda model: model.fit(LABELLED, sample_weight=np.ones(6)), "got sample_weight"),
    "fit with class_weight": (lambda model: model.fit(LABELLED, class_weight={0: 1.0}), "got class_weight"),
    "fit, validation of pairs": (lambda model: model.fit(LABELLED, validation_data=(IMAGES, VOTES)), "2 parts"),
    "fit bytes": (lambda model: model.fit(unlabelled(BYTES), verbose=0), "divide them by 255"),
    "fit another size": (lambda model: model.fit(unlabelled(LARGE), verbose=0), "64"),
    "fit unknown sizes": (lambda model: model.fit(unknown(LARGE).map(unlabelled), verbose=0), "64.*expected"),
    "evaluate a misspelt key": (lambda model: model.evaluate({"labeled": IMAGES}, verbose=0), "labeled"),
    "train_on_batch pictures": (lambda model: model.train_on_batch(IMAGES), "dictionary was expected"),
    "train_on_batch arrays": (lambda model: model.train_on_batch(IMAGES, VOTES), "got y"),
    "test_on_batch without votes": (lambda model: model.test_on_batch({"labelled": IMAGES}), "images and votes"),
    "fit fewer votes": (lambda model: model.fit({"labelled": (IMAGES, VOTES[:5])}, verbose=0), "one row for each"),
    "predict words": (lambda model: model.predict(np.array(["a", "b"]), verbose=0), "numbers were expected"),
    "predict objects": (lambda model: model.predict(np.array([None, 1.0], object), verbose=0), "type object"),
    "three parts": (lambda model: model.train_on_batch({"labelled": (IMAGES, VOTES, VOTES)}), "3 parts"),
    "an empty dictionary": (lambda model: model.train_step({}), "unlabelled"),
    "one vote for three answers": (lambda model: model.fit({"labelled": (IMAGES, VOTES[:, :1])}, verbose=0), "3"),
    "too many answers": (lambda model: model.train_step({"labelled": (IMAGES, np.tile(VOTES, 2))}), r"\(B, 3\)"),
    "votes without an axis": (lambda model: model.evaluate({"labelled": (IMAGES, VOTES[:, 0])}, verbose=0), "3"),
    "one row of votes": (lambda model: model.train_step({"labelled": (IMAGES, VOTES[:1])}), "one row for each picture"),
    "one row of votes, traced": (
        lambda model: model.fit(generator({"labelled": (IMAGES, VOTES[:1])}), steps_per_epoch=2, verbose=0),
        "one row for each picture",
    ),
}


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")  # Keras 3's default, for generators
def test_it_works(model: ETVAE, name: str) -> None:
    steps = int(model.optimizer.iterations) + int(model.vae_optimizer.iterations)
    outcome = WORKS[name](model)
    assert np.isfinite(tf.nest.flatten(outcome.history if hasattr(outcome, "history") else outcome)[0]).all()
    trained = int(model.optimizer.iterations) + int(model.vae_optimizer.iterations) > steps
    assert trained == (hasattr(outcome, "history") or "train" in name or "votes" in name or "lists" in name)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_it_is_refused(model: ETVAE, name: str) -> None:
    attempt, sentence = REFUSED[name]
    before = [value.numpy() for value in model.trainable_variables]
    assert_refused(lambda: attempt(model), sentence)
    for one, other in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_a_size_that_changes_is_refused_where_it_comes(model: ETVAE) -> None:
    assert_refused(lambda: model.fit(changing(), steps_per_epoch=2, verbose=0), "64.*expected")


def assert_refused(attempt: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        attempt()
    words = str(refused.value)
    assert "\n" not in words and words.endswith(".") and words.count("; ") == 1, words
