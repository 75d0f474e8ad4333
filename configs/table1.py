"""The paper's Table 1, done fairly: three regimes and what they must beat, 100 to 1,200 labels, three seeds.

python main.py --mode=learning_curve --config=configs/table1.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
While anything is still chosen, the train galaxies outside the largest n are scored. The final table adds
--config.curve.judge=test. docs/results.md says what the regimes gave on the Kaggle galaxies, and at which commit.
"""

from ml_collections import ConfigDict

from etvae_tf.config import get_config as default_config


def get_config() -> ConfigDict:
    """The default run in every regime, in colour, and the baselines; `curve` says which runs to compare."""
    config = default_config()
    config.data.channels = 3
    config.data.validation_fraction = 0.0  # all n are learnt from; the last weights are kept, for the steps are fixed
    config.data.augment_outskirts = 0.8
    config.train.vae_steps, config.train.vae_steps_per_picture = 2800, 0.0  # as many for every pool
    config.train.view_weight = 3e4  # the ELBO has three times as many pixels
    with config.unlocked():
        config.curve = curve = ConfigDict()
        curve.title = "table1"  # name of the table's files
        regimes = ("supervised", "alternating", "two_step", "gaussian_process", "gaussian_process_latents")
        curve.arms = {regime: {"regime": regime} for regime in regimes}  # processes: measures; with latents
        # Arms whose predictions are averaged.
        curve.means = {"supervised_and_process": ("supervised", "gaussian_process")}
        curve.reference = "supervised"  # the arm that the others are compared with
        curve.n_labels = (100, 300, 800, 1200)  # for every arm; nested at a seed
        curve.seeds = (0, 1, 2)
        curve.judge = "train"  # who is scored: train (train galaxies outside the largest n, not in the pool) | test
    return config.lock()
