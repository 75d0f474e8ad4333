"""A teacher and a student: Gaussian processes on classical measures teach one network that sees pictures alone.

python main.py --config=configs/distilled.py --n_labels=300 \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
python main.py --mode=learning_curve --config=configs/distilled.py --workdir=STUDY \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
The second compares it with what it must beat, on train galaxies outside the labels. docs/experiments.md, "A
network that comes nearer to its teachers", says what it gave.
"""

from ml_collections import ConfigDict

from configs.table1 import get_config as table1_config


def get_config() -> ConfigDict:
    """Table 1's two_step with a residual encoder, pre-trained to tell measures and taught; `curve` says beside what."""
    config = table1_config()
    config.regime = "two_step"
    config.model.residual = (1,)  # at 16 pixels
    config.train.measure_weight = 3e4  # as much as the views'
    config.train.teaching_pictures = 10_000
    plain = {"train": {"teaching_pictures": 0, "measure_weight": 0.0}}
    with config.unlocked():
        config.curve.title = "distilled"
        config.curve.arms = {
            "supervised": {"regime": "supervised", **plain},
            "supervised_2": {"regime": "supervised", "train": {**plain["train"], "member": 1}},
            "two_step": {**plain, "model": {"residual": ()}},  # Table 1's
            "gaussian_process": {"regime": "gaussian_process", **plain},
            "gaussian_process_latents": {"regime": "gaussian_process_latents", "train": {"teaching_pictures": 0}},
            "distilled": {},
        }
        config.curve.means["supervised_ensemble"] = ("supervised", "supervised_2")  # two, as there are two teachers
        config.curve.reference = "gaussian_process"
        config.curve.seeds = (0, 1, 2, 3, 4)
    return config.lock()
