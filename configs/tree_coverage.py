"""Whether the error bars of a decision tree are true, question by question.

python main.py --mode=learning_curve --config=configs/tree_coverage.py --workdir=STUDY \
    --data=TABLE --images=FOLDER_OR_ZIP --split=CSV
docs/trees.md has the numbers of the Kaggle galaxies.
"""

from ml_collections import ConfigDict

from configs import tree


def get_config() -> ConfigDict:
    """The `tree` arm of configs/tree.py, whose labels are each predicted by a fold that has not seen it."""
    config = tree.get_config()
    config.train.folds = 4
    with config.unlocked():
        config.curve.title = "tree_coverage"
        config.curve.arms = {"tree": config.curve.arms.tree}
        config.curve.seeds = (0,)
    return config
