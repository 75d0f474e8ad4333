"""What each part of distilled.py gains: the taught network with one change at a time.

python main.py --mode=learning_curve --config=configs/ablations.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
"""

from ml_collections import ConfigDict

from configs import distilled


def get_config() -> ConfigDict:
    """distilled's recipe with its teachers, measures, encoder, pose, views, gradient or pool changed."""
    config = distilled.get_config()
    with config.unlocked():
        config.curve.title = "ablations"
        config.curve.arms = {
            "as_it_is": {},
            "untaught": {"train": {"teaching_pictures": 0}},  # votes alone; no Gaussian process
            "folds": {"train": {"folds": 4}},  # networks teach beside the processes
            "no_measures": {"train": {"measure_weight": 0.0}},  # nor does a teacher see latents
            "no_residual": {"model": {"residual": ()}},
            "no_pose": {"model": {"pose": {"group": "none"}}},
            "no_views": {"train": {"view_weight": 0.0}},
            "encoder_frozen": {"train": {"freeze_encoder": True}},  # M1, taught
            "no_pool": {"regime": "supervised", "train": {"teaching_pictures": 0, "measure_weight": 0.0}},
        }
        config.curve.means = {}
        config.curve.reference = "as_it_is"
        config.curve.n_labels = (100, 800)
        config.curve.seeds = (0, 1, 2)
    return config.lock()
