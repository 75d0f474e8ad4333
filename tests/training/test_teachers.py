"""Teachers: what they are asked, and what becomes of their answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from galaxies import tiny_model
from sklearn.preprocessing import QuantileTransformer

from configs import quicktest
from etvae_tf.data import GalaxyData, Question, Questions, fold_mask, load_data
from etvae_tf.measures import GaussianProcess, measure_centre
from etvae_tf.training import RunFolder, fractions_by_process, out_of_fold
from etvae_tf.training.teachers import taught_galaxies

FOLDS, PICTURES = 2, 25


@pytest.fixture(scope="module")
def galaxies() -> GalaxyData:
    config = quicktest.get_config()
    config.data.synthetic_train = 100
    return load_data(config)


@pytest.fixture
def folder(galaxies: GalaxyData, tmp_path: Path) -> RunFolder:
    """Of a run whose folds say of every galaxy what its number of the fold says."""
    folder = RunFolder(tmp_path)
    (tmp_path / "folds").mkdir()
    for fold in range(FOLDS):
        hidden = galaxies.train.ids[fold_mask(len(galaxies.train), FOLDS, fold)]
        ids = np.concatenate([hidden, np.setdiff1d(galaxies.pool_ids, galaxies.train.ids)])
        rows = np.tile([[0.2 + 0.4 * fold, 0.7 - 0.4 * fold, 0.1]], (len(ids), 1))
        table = pd.DataFrame({"id": ids, **dict(zip(galaxies.questions.answers, rows.T, strict=True))})
        table.to_parquet(folder.fold(fold), index=False)
    return folder


@pytest.fixture
def config() -> object:
    config = quicktest.get_config().train
    config.folds, config.teaching_pictures = FOLDS, PICTURES
    return config


def test_pictures_are_taught_by_networks_and_process_as_they_are_right(config, galaxies, folder) -> None:
    taught, labelled = taught_galaxies(config, galaxies, folder), galaxies.train
    count = len(labelled)
    assert len(taught) == count + PICTURES
    np.testing.assert_array_equal(taught.ids[:count], labelled.ids)
    np.testing.assert_array_equal(taught.votes[:count], labelled.votes)
    new = taught.select(np.arange(count, len(taught)))
    assert not set(new.ids) & {*labelled.ids, *galaxies.validation.ids, *galaxies.test.ids}
    rows = [np.flatnonzero(galaxies.pool_ids == name)[0] for name in new.ids]
    np.testing.assert_array_equal(new.images, galaxies.pool[rows])

    features, seen = measure_centre(new.images), measure_centre(labelled.images).to_numpy()
    process = GaussianProcess().fit(seen, labelled.votes).predict(features)
    share = best_share(galaxies)
    assert 0 < share < 1
    fractions = share * np.array([0.4, 0.5, 0.1]) + (1 - share) * process  # the mean of both folds, and the process
    np.testing.assert_allclose(new.votes, fractions * labelled.votes.sum(axis=1).mean(), rtol=1e-5)
    assert taught.votes.dtype == np.float32 and taught.images.dtype == np.uint8


def unseen_by_process(galaxies: GalaxyData) -> np.ndarray:
    """Fractions (n, K) of the labelled galaxies, each by a process of the other folds."""
    votes, features = galaxies.train.votes, measure_centre(galaxies.train.images).to_numpy()
    found = np.empty(votes.shape)
    for fold in range(FOLDS):
        hidden = fold_mask(len(votes), FOLDS, fold)
        found[hidden] = GaussianProcess().fit(features[~hidden], votes[~hidden]).predict(features[hidden])
    return found


def unseen_by_networks(galaxies: GalaxyData) -> np.ndarray:
    """What the fixture's folds say of the galaxies that they have not seen."""
    first = fold_mask(len(galaxies.train), FOLDS, 0)[:, None]
    return np.where(first, [[0.2, 0.7, 0.1]], [[0.6, 0.3, 0.1]])


def best_share(galaxies: GalaxyData) -> float:
    """Of the networks, by least squares."""
    networks, processes = unseen_by_networks(galaxies), unseen_by_process(galaxies)
    missed = galaxies.questions.fractions(galaxies.train.votes) - processes
    return np.linalg.lstsq((networks - processes).reshape(-1, 1), missed.ravel(), rcond=None)[0].item()


def test_labelled_galaxies_are_predicted_by_who_has_not_seen_them(config, galaxies, folder) -> None:
    found, share = out_of_fold(config, galaxies, folder), best_share(galaxies)
    expected = share * unseen_by_networks(galaxies) + (1 - share) * unseen_by_process(galaxies)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_networks_that_err_as_the_processes_do_and_more_do_not_teach(config, galaxies, folder) -> None:
    processes, truth = unseen_by_process(galaxies), galaxies.questions.fractions(galaxies.train.votes)
    for fold in range(FOLDS):
        hidden = fold_mask(len(truth), FOLDS, fold)
        table = pd.read_parquet(folder.fold(fold)).set_index("id")
        table.loc[galaxies.train.ids[hidden]] = (2 * processes - truth)[hidden]
        table.reset_index().to_parquet(folder.fold(fold), index=False)
    np.testing.assert_allclose(out_of_fold(config, galaxies, folder), processes, rtol=1e-5)


def test_without_teachers_networks_alone_are_asked(config, galaxies, folder) -> None:
    config.teaching_pictures = 0
    found = out_of_fold(config, galaxies, folder)
    np.testing.assert_allclose(found[::2], [[0.2, 0.7, 0.1]] * len(found[::2]))
    assert not folder.process.exists()


def test_without_folds_a_process_teaches_alone(config, galaxies, folder) -> None:
    config.folds = 0
    labelled = galaxies.train
    new = taught_galaxies(config, galaxies, folder).select(np.arange(len(labelled), len(labelled) + PICTURES))
    features, seen = measure_centre(new.images), measure_centre(labelled.images).to_numpy()
    process = GaussianProcess().fit(seen, labelled.votes).predict(features)
    np.testing.assert_allclose(new.votes, process * labelled.votes.sum(axis=1).mean(), rtol=1e-5)
    hidden = fold_mask(len(labelled), 4, 2)
    unseen = GaussianProcess().fit(seen[~hidden], labelled.votes[~hidden]).predict(seen[hidden])
    np.testing.assert_allclose(out_of_fold(config, galaxies, folder)[hidden], unseen, rtol=1e-5)


@pytest.mark.slow
def test_another_process_sees_latents_that_were_asked_for_measures(config, galaxies, folder) -> None:
    config.folds, config.measure_weight = 0, 1.0
    vae = tiny_model()
    vae.save(folder.vae)
    labelled = galaxies.train
    new = taught_galaxies(config, galaxies, folder).select(np.arange(len(labelled), len(labelled) + PICTURES))
    measures = [measure_centre(images).to_numpy() for images in (new.images, labelled.images)]
    latents = [vae.encoder(images.astype(np.float32) / 255).loc for images in (new.images, labelled.images)]
    both = [np.hstack(parts) for parts in zip(measures, latents, strict=True)]
    normal = QuantileTransformer(n_quantiles=PICTURES, output_distribution="normal").fit(both[0])
    both = [normal.transform(features) for features in both]
    expected = [GaussianProcess().fit(seen, labelled.votes).predict(features) for features, seen in (measures, both)]
    np.testing.assert_allclose(new.votes, np.mean(expected, axis=0) * labelled.votes.sum(axis=1).mean(), rtol=1e-5)


@pytest.mark.slow
def test_what_pre_training_has_measured_is_not_measured_again(config, galaxies, folder) -> None:
    config.folds = 0
    expected = taught_galaxies(config, galaxies, folder).votes
    folder.process.unlink()
    np.save(folder.pool_measures, measure_centre(galaxies.pool).to_numpy())
    np.testing.assert_array_equal(taught_galaxies(config, galaxies, folder).votes, expected)
    folder.process.unlink()
    np.save(folder.pool_measures, measure_centre(galaxies.pool[::-1]).to_numpy())  # of other pictures
    assert np.abs(taught_galaxies(config, galaxies, folder).votes - expected).max() > 0.1


def test_a_small_pool_is_asked_whole(config, galaxies, folder) -> None:
    config.teaching_pictures = 10**6
    free = np.setdiff1d(galaxies.pool_ids, galaxies.train.ids)
    assert len(taught_galaxies(config, galaxies, folder)) == len(galaxies.train) + len(free)


def test_a_process_answers_each_question_by_the_galaxies_that_were_asked() -> None:
    random = np.random.default_rng(0)
    features = random.standard_normal((12, 2))
    then, last = Question("then", ("c", "d"), ("a",)), Question("last", ("e", "f"), ("b",))
    tree = Questions((Question("first", ("a", "b")), then, last))
    votes = np.hstack([random.integers(1, 20, (12, 2)), random.integers(5, 20, (12, 2)), np.zeros((12, 2))])
    votes[4:, 2:4] = [[3, 1]]  # too few for a fraction
    votes[0, 4:] = [6, 18]
    fractions = fractions_by_process(features, votes, features[:5], tree)
    np.testing.assert_array_equal(fractions[:, :2], GaussianProcess().fit(features, votes[:, :2]).predict(features[:5]))
    asked = GaussianProcess().fit(features[:4], votes[:4, 2:4]).predict(features[:5])
    np.testing.assert_array_equal(fractions[:, 2:4], asked)
    np.testing.assert_array_equal(fractions[:, 4:], np.tile([0.25, 0.75], (5, 1)))  # one galaxy is no process
