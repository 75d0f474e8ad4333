"""distilled.py for a table of raw counts with few galaxies: 100 and 300 labels, the rest is test.

python main.py --mode=learning_curve --config=configs/counts.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP
"""

from ml_collections import ConfigDict

from configs import distilled


def get_config() -> ConfigDict:
    """Two numbers of labels; a hash split that keeps half of the table as test galaxies."""
    config = distilled.get_config()
    config.data.test_fraction = 0.5
    config.curve.title = "counts"
    config.curve.n_labels = (100, 300)
    return config
