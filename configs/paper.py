"""The paper-era sizes: 128x128 grey pictures, z = 100, Bernoulli pixels, batches of 10, pose of order 1.

python main.py --config=configs/paper.py --data=TABLE --images=FOLDER_OR_ZIP

The authors' feature maps (16x8x8 before the latent) and learning rates are kept; what their code did otherwise
(BatchNorm, a pose of translation then rotation, a classifier beside the latent) is not.
"""

from ml_collections import ConfigDict

from etvae_tf.config import get_config as default_config


def get_config() -> ConfigDict:
    """Paper-era sizes on the default pipeline."""
    config = default_config()
    config.data.image_size = 128
    config.model.latent_dim = 100
    config.model.filters = (32, 32, 16, 16)
    config.model.pixel_likelihood = "bernoulli"
    config.model.pose.order = 1
    config.model.pose.filters = (32, 32)
    config.train.view_weight = 0.0
    config.train.vae_batch = 10
    config.train.unlabelled_batch = 10
    config.train.labelled_batch = 10
    config.train.vae_learning_rate = 1e-4
    config.train.vote_learning_rate = 1e-3  # of two_step; alternating had 1e-4
    return config
