"""Studies score train galaxies that no run of the seed learns from, labelled or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from configs import quicktest
from etvae_tf.data import Survey, draw_data, load_survey
from etvae_tf.errors import InputError
from etvae_tf.experiments.judges import judged_by_train


@pytest.fixture(scope="module")
def survey() -> Survey:
    return load_survey(quicktest.get_config())


def test_judges_are_the_train_galaxies_outside_the_labels(survey: Survey) -> None:
    judged = judged_by_train(survey, 60, seed=1)
    assert len(judged.learn) == 60 and set(judged.learn.ids) | set(judged.test.ids) == set(survey.learn.ids)
    assert not set(judged.test.ids) & (set(judged.learn.ids) | set(judged.pool_ids) | set(survey.test.ids))
    assert set(judged.pool_ids) == set(survey.pool_ids) - set(judged.test.ids)
    assert len(judged.pool) == len(judged.pool_hashes) == len(judged.pool_ids)
    marks = judged.split.set_index("id")["split"]
    assert set(marks[judged.test.ids]) == {"judge"} and set(marks[survey.test.ids]) == {"test"}
    assert judged.fingerprints != judged_by_train(survey, 60, seed=2).fingerprints


def test_the_labels_of_a_run_are_those_it_has_without_judges(survey: Survey) -> None:
    config = quicktest.get_config()
    config.seed = 3
    alone, judged = draw_data(survey, config), draw_data(judged_by_train(survey, 60, seed=3), config)
    assert list(judged.train.ids) == list(alone.train.ids)
    np.testing.assert_array_equal(judged.train.votes, alone.train.votes)


def test_a_copy_of_a_labelled_galaxy_is_no_judge_and_a_copy_of_a_judge_leaves_the_pool(survey: Survey) -> None:
    judged = judged_by_train(survey, 60, seed=0)
    labelled, judge = judged.learn.ids[0], judged.test.ids[0]
    same, hidden = judged.test.ids[1], judged.test.ids[2]
    place = {name: index for index, name in enumerate(survey.pool_ids)}
    hashes, learn = survey.pool_hashes.copy(), survey.learn
    hashes[place[same]] = hashes[place[labelled]]  # labelled under another name
    hashes[place[hidden]] = hashes[place[judge]]  # a judge under another name, which nobody voted on
    votes = np.where((learn.ids == hidden)[:, None], 0, learn.votes)
    changed = judged_by_train(replace(survey, pool_hashes=hashes, learn=replace(learn, votes=votes)), 60, seed=0)
    assert same not in changed.test.ids and same in changed.pool_ids
    assert judge in changed.test.ids and hidden not in changed.pool_ids


def test_labels_that_leave_no_judge_are_refused(survey: Survey) -> None:
    with pytest.raises(InputError, match="all 200 with votes"):
        judged_by_train(survey, 200, seed=0)
