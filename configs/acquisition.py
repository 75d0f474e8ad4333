"""Whom to ask volunteers about: four strategies of --mode=acquire, 100 to 300 labels, five seeds.

python main.py --mode=acquisition_study --config=configs/acquisition.py --workdir=STUDY \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV

Train galaxies that are never candidates are scored, never test galaxies. 24 minutes after pre-training on a crowded
machine; vote_rmse 0.174 with 300 labels at random, and no strategy surely better: docs/acquire.md.
"""

from ml_collections import ConfigDict

from configs import table1


def get_config() -> ConfigDict:
    """table1's two_step with fewer vote steps, for 50 runs follow one another."""
    config = table1.get_config()
    config.train.vote_steps_per_label = 1.0  # 300, 400 and 500 steps
    with config.unlocked():
        del config["curve"]
        config.acquisition = acquisition = ConfigDict()
        acquisition.title = "acquisition"  # name of the table's files
        acquisition.strategies = ("random", "typical", "entropy", "bald")
        acquisition.network = False  # True: votes train the encoder, too, which takes minutes a run and not seconds
        acquisition.first = 100  # labels of the first round: by the typical strategy, or at random
        acquisition.batch = 100  # that each round adds
        acquisition.rounds = 2
        acquisition.candidates = 1500  # train galaxies that labels are chosen from; the others judge
        acquisition.seeds = (0, 1, 2, 3, 4)  # of candidates, judges, random choices and training
    return config.lock()
