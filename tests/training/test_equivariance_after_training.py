"""After training, the pose still obeys its law and predictions hardly move when galaxies are turned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from galaxies import real_images, synthetic_images
from tolerances import POSE_DEGREES, PREDICTION_SPREAD

from configs import quicktest
from etvae_tf import ETVAE
from etvae_tf.data import load_data
from etvae_tf.evaluation import prediction_spread
from etvae_tf.geometry import rotate
from etvae_tf.training import RunFolder, train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[1, 2], ids=["order1", "order2"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ETVAE:
    """The default pose network in a small model, after 150 alternating steps on 64x64 synthetic galaxies."""
    config = quicktest.get_config()
    config.regime, config.n_labels = "alternating", 200
    config.data.image_size, config.data.synthetic_train = 64, 400
    config.model.filters, config.model.latent_dim = (8, 8, 8), 8
    config.model.pose.update({"order": request.param, "filters": (16, 16, 16), "angles": 64, "radii": 16})
    config.data.augment_jitter, config.train.view_weight = 0.0, 0.0  # it learns faster without
    config.train.alternating_from_scratch, config.train.labelled_batch = True, 32
    config.train.steps_per_epoch, config.train.vote_steps_per_label = 50, 0.75
    folder = RunFolder(tmp_path_factory.mktemp("equivariance") / "run")
    data = load_data(config)
    folder.claim(json.loads(config.to_json()), data)
    return train(config, data, folder)[0]


def check(model: ETVAE, images: tf.Tensor) -> None:
    assert np.degrees(np.median(model.check_equivariance(images, seed=5))) < POSE_DEGREES
    angles = tf.random.stateless_uniform([8], [0, 7], -np.pi, np.pi)
    turned = [model(rotate(images, tf.fill([len(images)], angle)))["vote_fractions"] for angle in angles]
    assert prediction_spread(np.stack(turned)) < PREDICTION_SPREAD


def test_on_synthetic_galaxies(trained: ETVAE) -> None:
    images = synthetic_images(128)
    predicted = trained(images)["vote_fractions"].numpy()
    assert predicted.std(axis=0)[0] > PREDICTION_SPREAD, "it has learnt something that could move"
    check(trained, images)


def test_on_real_galaxies(trained: ETVAE, real_data: Path) -> None:
    check(trained, real_images(real_data, 128))
