"""Teachers and a student: two_step's folds and a Gaussian process on measures teach one network on pictures alone.

python main.py --config=configs/distilled.py --n_labels=300 \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
python main.py --mode=learning_curve --config=configs/distilled.py --workdir=STUDY \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
The second compares it with what it must beat, on train galaxies outside the labels. It is for few labels: with 2,500 it
was worse than two_step (docs/experiments.md, "Teachers and a student").
"""

from ml_collections import ConfigDict

from configs.table1 import get_config as table1_config


def get_config() -> ConfigDict:
    """Table 1's two_step with folds and teachers; `curve` says what it is compared with."""
    config = table1_config()
    config.regime = "two_step"
    config.train.folds = 4
    config.train.teaching_pictures = 10_000
    plain = {"train": {"folds": 0, "teaching_pictures": 0}}
    with config.unlocked():
        config.curve.title = "distilled"
        config.curve.arms = {
            "supervised": {"regime": "supervised", **plain},
            "two_step": {**plain},
            "gaussian_process": {"regime": "gaussian_process", **plain},
            "distilled": {},
        }
        config.curve.seeds = (0, 1, 2, 3, 4)
    return config.lock()
