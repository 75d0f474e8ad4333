"""table1.py in the paper's plain form: what the improvements of the default are worth.

python main.py --mode=learning_curve --config=configs/paper_regimes.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV

Grey pictures, pose of order 1, flips alone as augmentation, a plain ELBO without KL warm-up, no views, and alternating
from the first step on. The seeds, labels, steps, validation and averaging over mirror images are table1's.
"""

from ml_collections import ConfigDict

from configs import table1


def get_config() -> ConfigDict:
    """Three regimes as the paper describes them, and two_step without its pose: is it the pose that pays?"""
    config = table1.get_config()
    config.data.channels = 1
    config.data.augment_jitter, config.data.augment_outskirts = 0.0, 0.0
    config.model.pose.order = 1
    config.train.view_weight = 0.0
    config.train.kl_warmup_steps = 0
    config.train.alternating_from_scratch = True
    config.curve.title = "paper_regimes"
    with config.unlocked():
        config.curve.arms.no_pose = {"regime": "two_step", "model": {"pose": {"group": "none"}}}
    return config
