"""Questions: where each one's votes lie, their fractions, and the tree that they make."""

from __future__ import annotations

import numpy as np
import pytest

from etvae_tf.data import Question, Questions, named_questions
from etvae_tf.errors import InputError

SHAPE = Question("shape", ("smooth", "featured", "artifact"))
TREE = Questions((SHAPE, Question("edge-on", ("yes", "no"), ("featured",))))
ROW = [0.2, 0.5, 0.3, 0.4, 0.6]  # fractions of those who were asked


def test_votes_of_questions_lie_side_by_side() -> None:
    assert TREE.answers == ("smooth", "featured", "artifact", "yes", "no")
    assert TREE.counts == (3, 2)
    assert TREE.slices == {"shape": slice(0, 3), "edge-on": slice(3, 5)}
    assert TREE.parents == ((), (1,))


def test_each_question_has_fractions_of_its_own() -> None:
    votes = np.array([[2, 6, 2, 4, 12], [10, 0, 0, 0, 0], [0, 1, 0, 4, 5]], np.float32)
    few = np.nan  # fewer than ten on a question that others lead to; any vote is enough on the first
    expected = [[0.2, 0.6, 0.2, 0.25, 0.75], [1, 0, 0, np.nan, np.nan], [0, 1, 0, few, few]]
    np.testing.assert_array_equal(TREE.fractions(votes), np.array(expected))
    np.testing.assert_array_equal(TREE.asked(votes), [[True, True], [True, False], [True, False]])


def test_mean_fractions_are_of_those_asked_and_equal_where_nobody_was() -> None:
    votes = np.array([[2, 6, 2, 4, 12], [10, 0, 0, 0, 0]])
    np.testing.assert_allclose(TREE.mean_fractions(votes), [0.6, 0.3, 0.1, 0.25, 0.75])
    np.testing.assert_allclose(TREE.mean_fractions(votes[1:]), [1, 0, 0, 0.5, 0.5])


def test_joint_fractions_are_products_down_the_tree() -> None:
    deep = Questions((*TREE.each, Question("bar", ("bar", "none"), ("no", "artifact"))))
    joint = deep.joint(np.array([[*ROW, 0.9, 0.1]]))
    np.testing.assert_allclose(joint, [[0.2, 0.5, 0.3, 0.2, 0.3, 0.54, 0.06]])
    paths = [joint[:, place].sum() for place in deep.slices.values()]
    np.testing.assert_allclose(paths, [1, 0.5, 0.6], err_msg="a question is answered by those whom it is asked")


def test_a_question_without_the_one_that_leads_to_it_stands_alone() -> None:
    alone = Questions((TREE.each[1],))
    assert alone.parents == ((),)
    np.testing.assert_array_equal(alone.joint(np.array([[0.4, 0.6]])), [[0.4, 0.6]])
    assert not alone.asked(np.array([[4, 5]])).any(), "few votes stay few"


def test_impossible_trees_are_refused() -> None:
    with pytest.raises(InputError, match="more than one answer is called yes"):
        Questions((Question("a", ("yes", "no")), Question("b", ("yes", "maybe"))))
    with pytest.raises(InputError, match="edge-on comes before the one that leads to it"):
        Questions(TREE.each[::-1])


def test_questions_go_into_files_and_come_back() -> None:
    answers = {one.name: list(one.answers) for one in TREE.each}
    assert named_questions(answers, {"edge-on": ["featured"]}) == TREE
