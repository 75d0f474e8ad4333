"""What classical measures know without any network, and whether its error bars are true: minutes instead of hours.

python main.py --mode=learning_curve --config=configs/baselines.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --split=CSV
"""

from ml_collections import ConfigDict

from configs import table1


def get_config() -> ConfigDict:
    """The Gaussian process of table1.py alone, over five seeds."""
    config = table1.get_config()
    with config.unlocked():
        config.curve.title = "baselines"
        config.curve.arms = {"gaussian_process": {"regime": "gaussian_process"}}
        config.curve.means = {}
        config.curve.reference = "gaussian_process"
        config.curve.seeds = (0, 1, 2, 3, 4)
    return config
