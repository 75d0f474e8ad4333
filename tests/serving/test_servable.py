"""The numbers of an exported model: those of the model, row by row, whatever else is in the batch."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tensorflow as tf
from exports import NOVELTY
from galaxies import synthetic_images, tiny_model
from tolerances import BATCH_ATOL

from etvae_tf.data.images import load_images, open_images, preprocess
from etvae_tf.evaluation import concentrations_of
from etvae_tf.models import ETVAE
from etvae_tf.models.vote_head import VoteHead
from etvae_tf.objectives import kl_to_standard_normal
from etvae_tf.serving.decoding import decode_files
from etvae_tf.serving.servable import Servable

PREPROCESS_ATOL = 1e-6  # of [0, 1]; one grey level is 4e-3
CROP = 0.8  # of the exported model
IMAGES = synthetic_images(6, size=32)
"""float32 (6, 32, 32, 1)."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def signatures(version):
    return tf.saved_model.load(str(version)).signatures


def numpy(outputs) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in outputs.items()}


def assert_close(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=BATCH_ATOL, rtol=BATCH_ATOL, err_msg=name)


def test_votes_latent_and_pose_are_the_models(model, signatures):
    found, expected = numpy(signatures["serving_default"](images=IMAGES)), numpy(model(IMAGES))
    sure = found.pop("vote_concentration")
    fractions = found["vote_fractions"]
    np.testing.assert_allclose(sure, fractions * concentrations_of(fractions, 7.0), rtol=1e-6)
    np.testing.assert_array_equal(found.pop("n_votes"), np.full(sure.shape, 40.0))
    away = (found["latent_mean"] - NOVELTY.mean) * np.diag(NOVELTY.whitening)
    np.testing.assert_allclose(found.pop("novelty"), np.sqrt((away**2).sum(axis=1)), rtol=1e-5)
    found["pose"] = found.pop("pose_angle")[:, None]
    assert_close(found, expected)


def test_a_model_that_knows_neither_how_sure_nor_how_novel_gives_the_same_votes(model, signatures):
    """By the bit."""
    found = numpy(signatures["serving_default"](images=IMAGES))
    unsure = numpy(Servable(model).functions["serving_default"](images=IMAGES))
    assert set(found) - set(unsure) == {"novelty"}
    for name, values in unsure.items():
        expected = np.full_like(values, np.nan) if name in ("vote_concentration", "n_votes") else found[name]
        np.testing.assert_array_equal(values, expected, err_msg=name)


def test_canonical_view_is_the_encoders(model, signatures):
    found = numpy(signatures["canonicalise"](images=IMAGES))
    posterior = model.encoder(IMAGES)
    assert_close(found, {"canonical": posterior.canonical, "pose_angle": posterior.pose[:, 0]})


def test_reconstruction_is_the_models_and_elbo_agrees_with_its_terms(model, signatures):
    found = numpy(signatures["reconstruct"](images=IMAGES))
    posterior, reconstruction = model.reconstruct(IMAGES)
    np.testing.assert_allclose(found["reconstruction"], reconstruction, atol=BATCH_ATOL)
    posterior = model.encoder(IMAGES)
    draws = np.array([model.elbo_terms(IMAGES, posterior, tf.constant([0, seed]))[0] for seed in range(50)])
    kl = tf.reduce_sum(kl_to_standard_normal(posterior.loc, posterior.scale), axis=-1)
    error = draws.std(axis=0) * np.sqrt(1 / 50 + 1 / 4)  # of 50 draws here and 4 there
    assert (np.abs(found["elbo"] - (draws.mean(axis=0) - kl)) < 5 * error).all()


@pytest.mark.parametrize("changes", [{"pose__group": "none"}, {"pose__group": "rotation_scale"}, {"channels": 3}])
def test_other_models_are_served_alike(changes, files):
    other = tiny_model(**changes)
    images = synthetic_images(3, size=32, channels=changes.get("channels", 1))
    served = Servable(other, autoencoder=other).functions
    found = numpy(served["serving_default"](images=images))
    np.testing.assert_allclose(found["vote_fractions"], other(images)["vote_fractions"], atol=BATCH_ATOL)
    pose = other.encoder(images).pose
    np.testing.assert_allclose(found["pose_angle"], pose[:, 0] if pose.shape[1] else np.zeros(3), atol=BATCH_ATOL)
    assert served["reconstruct"](images=images)["elbo"].shape == (3,)
    assert served["predict_bytes"](image_bytes=tf.constant([files["jpeg"]]))["ok"].numpy().tolist() == [True]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_any_batch_size_gives_the_same_rows(signatures, count):
    for name in ("serving_default", "canonicalise", "reconstruct"):
        whole = numpy(signatures[name](images=IMAGES))
        assert_close(
            numpy(signatures[name](images=IMAGES[:count])), {key: values[:count] for key, values in whole.items()}
        )


def test_files_are_prepared_as_in_training(signatures, files):
    """`predict_bytes` equals `serving_default` on pictures from the one function that training calls."""
    pictures = [preprocess(encoded, 32, 1, CROP) for encoded in files.values()]
    found = numpy(signatures["predict_bytes"](image_bytes=tf.constant(list(files.values()))))
    assert found.pop("ok").all()
    assert_close(found, numpy(signatures["serving_default"](images=tf.cast(tf.stack(pictures), tf.float32) / 255.0)))


def assert_prepared_alike(source):
    trained_on = load_images(source, source.names, 32, 1, CROP).astype(np.float32) / 255.0
    served, ok = decode_files(tf.constant([source.read(name) for name in source.names]), 32, 1, CROP)
    assert ok.numpy().all() and len(np.unique(trained_on)) > 50
    np.testing.assert_allclose(served.numpy().astype(np.float32) / 255.0, trained_on, atol=PREPROCESS_ATOL)


def test_preparing_equals_training_on_files_of_every_kind(files, tmp_path):
    for name, encoded in files.items():
        (tmp_path / f"{name}.{'jpg' if 'jpeg' in name else 'png'}").write_bytes(encoded)
    assert_prepared_alike(open_images(tmp_path))


def test_preparing_equals_training_on_real_pictures(real_data):
    source = open_images(real_data / "kaggle" / "images.zip")
    source.names = source.names[:100]
    assert_prepared_alike(source)


def test_broken_files_are_marked_and_leave_the_others_as_they_were(signatures, files, broken):
    rows = [*files.values(), *broken.values()]
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = numpy(signatures["predict_bytes"](image_bytes=tf.constant([rows[index] for index in order])))
    restored = {name: values[np.argsort(order)] for name, values in mixed.items()}
    ok = restored["ok"]
    assert ok.tolist() == [True] * len(files) + [False] * len(broken)
    for name in set(restored) - {"ok"}:
        assert np.isfinite(restored[name][ok]).all() and np.isnan(restored[name][~ok]).all()
    alone = numpy(signatures["predict_bytes"](image_bytes=tf.constant(list(files.values()))))
    assert_close({name: values[ok] for name, values in restored.items()}, alone)


def test_all_or_no_files_broken(signatures, broken):
    outputs = numpy(signatures["predict_bytes"](image_bytes=tf.constant(list(broken.values()))))
    assert not outputs["ok"].any() and np.isnan(outputs["vote_fractions"]).all()
    nothing = numpy(signatures["predict_bytes"](image_bytes=tf.constant([], tf.string)))
    assert nothing["vote_fractions"].shape == (0, 3) and nothing["ok"].shape == (0,)


def test_calls_at_the_same_time_do_not_mix(signatures, files, broken):
    batches = [tf.constant([files["jpeg"], b"", files["png"]]), tf.constant([broken["cut png"], files["grey png"]])]
    expected = [numpy(signatures["predict_bytes"](image_bytes=batch)) for batch in batches]
    wrong = []

    def call(number: int) -> None:
        for _ in range(10):
            found = numpy(signatures["predict_bytes"](image_bytes=batches[number % 2]))
            try:
                assert_close(found, expected[number % 2])
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_each_question_and_galaxy_has_its_own_concentration():
    head = VoteHead((3, 2))
    model = tiny_model()
    servable = Servable(ETVAE(model.encoder, model.decoder, head), even_concentrations=(7.0, 3.0))
    found = numpy(servable.functions["serving_default"](images=IMAGES))
    shape, bar = np.split(found["vote_fractions"], [3], axis=1)
    expected = np.hstack([shape * concentrations_of(shape, 7.0), bar * concentrations_of(bar, 3.0)])
    np.testing.assert_allclose(found["vote_concentration"], expected, rtol=1e-6)
    unknown = Servable(model).functions["serving_default"](images=IMAGES)["vote_concentration"].numpy()
    assert np.isnan(unknown).all()
