"""The vote head: one question as before, several side by side, nobody asked."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from tolerances import SAMPLING_ATOL

from etvae_tf.errors import InputError
from etvae_tf.models import VoteHead

HEAD = VoteHead((3, 2), 8)
LOGITS = tf.random.stateless_normal([4, 5], [0, 0])
VOTES = tf.constant([[30.0, 10, 2, 4, 6], [5, 0, 5, 0, 0], [0, 0, 0, 9, 1], [0, 0, 0, 0, 0]])
QUESTIONS = (slice(0, 3), slice(3, 5))


def test_fractions_are_a_softmax_of_each_question() -> None:
    expected = [tf.nn.softmax(LOGITS[:, part]) for part in QUESTIONS]
    np.testing.assert_array_equal(HEAD.fractions(LOGITS), tf.concat(expected, axis=-1))
    np.testing.assert_allclose(HEAD.fractions(tf.stack([LOGITS, LOGITS]))[1], HEAD.fractions(LOGITS), rtol=1e-6)


def test_nll_is_a_multinomial_of_each_question() -> None:
    fractions = HEAD.fractions(LOGITS).numpy().astype(np.float64)
    for index, part in enumerate(QUESTIONS):
        expected = [
            -stats.multinomial.logpmf(votes, votes.sum(), p / p.sum())
            for votes, p in zip(VOTES.numpy()[:, part], fractions[:, part], strict=True)
        ]
        np.testing.assert_allclose(HEAD.nll(VOTES, LOGITS)[:, index], expected, rtol=1e-4, atol=SAMPLING_ATOL)


def test_a_question_asked_of_nobody_costs_and_teaches_nothing() -> None:
    with tf.GradientTape() as tape:
        tape.watch(LOGITS)
        nll = HEAD.nll(VOTES, LOGITS)
    gradient = tape.gradient(nll, LOGITS).numpy()
    assert (nll.numpy() == 0).tolist() == [[False, False], [False, True], [True, False], [True, True]]
    for row, question in [(1, 1), (2, 0), (3, 0), (3, 1)]:
        np.testing.assert_array_equal(gradient[row, QUESTIONS[question]], 0)


def test_squared_errors_count_by_the_votes_on_each_question() -> None:
    voted = [[30 / 42, 10 / 42, 2 / 42, 0.4, 0.6], [0.5, 0, 0.5, 0, 0], [0, 0, 0, 0.9, 0.1], [0] * 5]
    shares = [[1, 1, 1, 10 / 42, 10 / 42], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1], [0] * 5]
    expected = np.mean(np.array(shares) * (HEAD.fractions(LOGITS).numpy() - voted) ** 2, axis=1)
    np.testing.assert_allclose(HEAD.squared_error(VOTES, LOGITS), expected, rtol=1e-5)


def test_the_squared_error_of_one_question_is_the_plain_one() -> None:
    head, votes = VoteHead((3,), 8), VOTES[:2, :3]
    plain = tf.square(tf.nn.softmax(LOGITS[:2, :3]) - votes / tf.reduce_sum(votes, axis=-1, keepdims=True))
    np.testing.assert_array_equal(head.squared_error(votes, LOGITS[:2, :3]), tf.reduce_mean(plain, axis=-1))


@pytest.mark.parametrize("answers", [3, (), (3, 1), (2.5,), ("3",), None])
def test_impossible_answers_are_refused(answers: object) -> None:
    with pytest.raises(InputError, match=r"answers=\(3,\)"):
        VoteHead(answers)
