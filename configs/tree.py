"""A whole decision tree in one network, beside one network per question: does learning together cost or help?

python main.py --mode=learning_curve --config=configs/tree.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --split=CSV
The arms answer the questions of the Kaggle galaxies here. docs/trees.md has the numbers.
"""

from ml_collections import ConfigDict

from configs import table1

QUESTIONS = ("smooth-or-featured", "disk-edge-on", "something-odd", "how-rounded", "odd-feature")


def get_config() -> ConfigDict:
    """Supervised learning of all questions together (`tree`), and of each one alone, with the same labels."""
    config = table1.get_config()
    config.regime = "supervised"
    with config.unlocked():
        config.curve.title = "tree"
        alone = {name: {"data": {"questions": (name,)}} for name in QUESTIONS}
        config.curve.arms = {"tree": {"data": {"questions": ("all",)}}, **alone}
        config.curve.means = {}
        config.curve.reference = "tree"
        config.curve.n_labels = (300,)
    return config
