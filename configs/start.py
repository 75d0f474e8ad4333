"""A start from the committed model beside training from scratch, with few labels of one's own.

On another question of the Kaggle galaxies, and on raw counts of other volunteers:
python main.py --mode=learning_curve --config=configs/start.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --split=CSV --config.data.questions=how-rounded
python main.py --mode=learning_curve --config=configs/start.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --config.data.test_fraction=0.5
docs/regimes.md has the numbers.
"""

from pathlib import Path

from ml_collections import ConfigDict

from configs import table1

_COMMITTED = Path(__file__).resolve().parents[1] / "saved_models" / "etvae" / "1"


def get_config() -> ConfigDict:
    """Supervised learning at 50, 100 and 300 labels over five seeds, from random weights and from trained ones."""
    config = table1.get_config()
    config.regime = "supervised"
    config.model.residual = (1,)  # as the committed model's
    with config.unlocked():
        config.curve.title = "start"
        config.curve.arms = {"scratch": {}, "started": {"train": {"init": str(_COMMITTED)}}}
        config.curve.means = {}
        config.curve.reference = "scratch"
        config.curve.n_labels = (50, 100, 300)
        config.curve.seeds = (0, 1, 2, 3, 4)
        config.curve.judge = "test"  # the committed model has seen the train galaxies; nothing is chosen here
    return config
