"""Questions: where each one's votes lie, and their fractions."""

from __future__ import annotations

import numpy as np

from etvae_tf.data import Question, Questions

TREE = Questions((Question("shape", ("smooth", "featured", "artifact")), Question("edge-on", ("yes", "no"))))


def test_votes_of_questions_lie_side_by_side() -> None:
    assert TREE.answers == ("smooth", "featured", "artifact", "yes", "no")
    assert TREE.counts == (3, 2)
    assert TREE.slices == {"shape": slice(0, 3), "edge-on": slice(3, 5)}


def test_each_question_has_fractions_of_its_own() -> None:
    votes = np.array([[2, 6, 2, 1, 3], [10, 0, 0, 0, 0]], np.float32)
    expected = [[0.2, 0.6, 0.2, 0.25, 0.75], [1, 0, 0, np.nan, np.nan]]
    np.testing.assert_array_equal(TREE.fractions(votes), np.array(expected))
