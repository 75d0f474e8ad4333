"""Batches of candidates: the best ones, no near-copies, typical ones, and the same in whichever order they come."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from etvae_tf.data import draw_labels
from etvae_tf.errors import InputError
from etvae_tf.inference.information import vote_information
from etvae_tf.inference.strategies import STRATEGIES, Chosen, choose


def chosen(strategy: str, latents: np.ndarray, scores: np.ndarray, n: int, order: np.ndarray | None = None) -> Chosen:
    ids = np.array([f"galaxy_{number:04}" for number in range(len(latents))])
    order = np.arange(len(ids)) if order is None else order
    information = {"mutual_information": scores[order], "entropy": -scores[order]}
    found = choose(strategy, ids[order], information, lambda places: latents[order][places], n, seed=3)
    return Chosen(order[found.places], found.scores)


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    """Latents of 400 candidates in 8 groups of 50 around distant centres."""
    generator = np.random.default_rng(0)
    centres = 20 * np.eye(8, 4) + 40 * np.eye(8, 4, -4)
    return (centres[:, None] + generator.normal(size=(8, 50, 4))).reshape(400, 4)


def test_entropies_of_draws_equal_scipy() -> None:
    """Two questions, of 2 and 3 answers, whose entropies add up."""
    logits = np.random.default_rng(0).normal(0, 2, (7, 5, 5))
    entropy, mutual = (values.numpy() for values in vote_information(tf.constant(logits), (2, 3)))
    fractions = [np.exp(one) / np.exp(one).sum(-1, keepdims=True) for one in (logits[..., :2], logits[..., 2:])]
    total = sum(stats.entropy(one.mean(0), axis=-1) for one in fractions)
    expected = sum(stats.entropy(one, axis=-1).mean(0) for one in fractions)
    np.testing.assert_allclose(entropy, total, rtol=1e-10)
    np.testing.assert_allclose(mutual, total - expected, atol=1e-10)
    assert (mutual > 0).all()


def test_draws_that_agree_tell_nothing_and_certain_ones_that_differ_tell_all() -> None:
    agreeing = tf.constant(np.tile([[0.3, -1.0, 2.0]], (4, 1, 1)))
    entropy, mutual = vote_information(agreeing, (3,))
    assert entropy.numpy() > 0.1 and mutual.numpy() == pytest.approx(0, abs=1e-12)
    differing = tf.constant(np.array([[[50.0, 0.0]], [[0.0, 50.0]]]))
    entropy, mutual = vote_information(differing, (2,))
    assert entropy.numpy() == pytest.approx(np.log(2)) and mutual.numpy() == pytest.approx(np.log(2))


@pytest.mark.parametrize("strategy", ["bald", "entropy"])
def test_the_best_are_taken_where_candidates_are_alike(strategy: str) -> None:
    """One from each cluster of the shortlist, of ten times as many: none beyond it."""
    scores = np.random.default_rng(1).permutation(1000).astype(float)
    found = chosen(strategy, np.random.default_rng(0).normal(size=(1000, 4)), scores, 5)
    best = np.argsort(-scores if strategy == "bald" else scores)[:50]
    assert set(found.places) <= set(best) and len(set(found.places)) == 5
    np.testing.assert_array_equal(found.scores, (scores if strategy == "bald" else -scores)[found.places])
    assert (np.diff(found.scores) <= 0).all()


def test_near_copies_are_not_all_chosen(groups: np.ndarray) -> None:
    """The highest scores are all of one group, which alone would be taken by scores."""
    scores = np.where(np.arange(400) < 50, 2.0, 1.0) + np.random.default_rng(0).uniform(0, 0.1, 400)
    found = chosen("bald", groups, scores, 8)
    assert sorted(found.places // 50) != [0] * 8 and len(set(found.places // 50)) >= 2
    exact = np.repeat(
        groups[::50], 50, axis=0
    )  # copies to the last bit: 8 different latents, 2 of them on the shortlist
    assert sorted(chosen("bald", exact, scores, 8).places // 50)[-1] > 0


def test_each_group_gives_its_most_typical_galaxy(groups: np.ndarray) -> None:
    found = chosen("typical", groups, np.zeros(400), 8)
    assert sorted(found.places // 50) == list(range(8))
    for place, score in zip(found.places, found.scores, strict=True):
        members = groups[place // 50 * 50 : place // 50 * 50 + 50]
        distances = np.sort(np.linalg.norm(members[:, None] - members, axis=-1), axis=1)[:, 1:21].mean(axis=1)
        assert place % 50 == np.argmin(distances) and score == pytest.approx(1 / distances.min())


def test_random_galaxies_are_drawn_as_labels_are() -> None:
    ids = np.array([f"{number}" for number in range(30)])
    found = choose("random", ids, {}, lambda places: np.zeros((len(places), 0)), 30, seed=5)
    np.testing.assert_array_equal(found.places, draw_labels(ids, np.ones(30, bool), 30, 5))
    few = choose("random", ids, {}, lambda places: np.zeros((len(places), 0)), 4, seed=5)
    np.testing.assert_array_equal(few.places, found.places[:4])
    assert np.isnan(found.scores).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_neither_order_nor_other_candidates_change_the_choice(strategy: str, groups: np.ndarray) -> None:
    scores = np.random.default_rng(2).uniform(size=400)
    expected = chosen(strategy, groups, scores, 20)
    for seed in (0, 1):
        found = chosen(strategy, groups, scores, 20, np.random.default_rng(seed).permutation(400))
        np.testing.assert_array_equal(found.places, expected.places)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("n", [1, 7, 12])
def test_as_many_are_chosen_as_are_wanted(strategy: str, n: int) -> None:
    """Of twelve candidates with three different latents, and of which some tell nothing."""
    latents = np.repeat(np.eye(3), 4, axis=0)
    found = chosen(strategy, latents, np.repeat([0.0, 0.5], 6), n)
    assert len(set(found.places)) == len(found.scores) == n


@pytest.mark.parametrize(
    ("strategy", "n", "sentence"),
    [
        ("margin", 2, "strategy=margin came, but one of bald, entropy, typical, random was expected"),
        ("bald", 0, "n_galaxies=0 came, but there are 12 candidates"),
        ("random", 13, "n_galaxies=13 came, but there are 12 candidates; lower --n_galaxies"),
    ],
)
def test_impossible_choices_are_refused(strategy: str, n: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        chosen(strategy, np.eye(12), np.zeros(12), n)
