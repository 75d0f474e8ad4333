"""Studies: many runs compared on the same galaxies, and how long steps take."""

from etvae_tf.experiments.acquisition import acquisition_study
from etvae_tf.experiments.benchmark import benchmark
from etvae_tf.experiments.intervals import seed_interval
from etvae_tf.experiments.learning_curve import learning_curve, run_configs
from etvae_tf.experiments.report import label_efficiency, summarise, write_report

__all__ = [
    "acquisition_study",
    "benchmark",
    "label_efficiency",
    "learning_curve",
    "run_configs",
    "seed_interval",
    "summarise",
    "write_report",
]
