"""Our best recipe: two_step's folds and a Gaussian process on measures teach one network, which sees pictures alone.

python main.py --config=configs/distilled.py --n_labels=300 \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
"""

from ml_collections import ConfigDict

from configs.table1 import get_config as table1_config


def get_config() -> ConfigDict:
    """Table 1's two_step with folds and teachers."""
    config = table1_config()
    config.regime = "two_step"
    config.train.folds = 4
    config.train.teaching_pictures = 10_000
    with config.unlocked():
        del config.curve
    return config.lock()
