"""The whole pipeline in its smallest form, to see that an installation works; its numbers mean nothing.

python main.py --config=configs/quicktest.py
"""

from ml_collections import ConfigDict

from etvae_tf.config import get_config as default_config


def get_config() -> ConfigDict:
    """A few steps of a tiny model on 32x32 synthetic galaxies."""
    config = default_config()
    config.n_labels = 40
    config.data.image_size = 32
    config.data.synthetic_train = 200
    config.data.synthetic_test = 40
    config.model.latent_dim = 4
    config.model.filters = (8, 8)
    config.model.pose.filters = (4,)
    config.model.pose.angles = 32
    config.model.pose.radii = 16
    config.train.vae_steps, config.train.vae_steps_per_picture = 4, 0.0
    config.train.kl_warmup_steps = 0
    config.train.vote_steps_per_label = 0.1
    config.train.vote_steps = 0
    config.train.teaching_steps = 4
    config.train.steps_per_epoch = 2
    config.train.vae_batch = 8
    config.train.unlabelled_batch = 8
    config.train.labelled_batch = 8
    return config
