"""The form of table1.py in ten minutes on synthetic galaxies; its numbers show that it works, no more.

python main.py --mode=learning_curve --config=configs/table1_quick.py --workdir=RUN
"""

from ml_collections import ConfigDict

from configs import table1


def get_config() -> ConfigDict:
    """Two numbers of labels, two seeds, 32x32 pictures and short phases."""
    config = table1.get_config()
    config.data.image_size = 32
    config.data.synthetic_train = 4000
    config.train.vae_steps = 600
    config.curve.title = "table1_quick"
    config.curve.n_labels = (100, 300)
    config.curve.seeds = (0, 1)
    return config
