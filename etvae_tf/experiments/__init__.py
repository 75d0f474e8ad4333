"""Studies: many runs compared on the same galaxies, and how long steps take."""

from etvae_tf.experiments.acquisition import acquisition_study
from etvae_tf.experiments.benchmark import benchmark
from etvae_tf.experiments.intervals import seed_interval
from etvae_tf.experiments.judge_anomaly import judge_anomaly
from etvae_tf.experiments.learning_curve import learning_curve, run_configs
from etvae_tf.experiments.planted_faults import plant_faults
from etvae_tf.experiments.report import label_efficiency, summarise, write_report

__all__ = [
    "acquisition_study",
    "benchmark",
    "judge_anomaly",
    "label_efficiency",
    "learning_curve",
    "plant_faults",
    "run_configs",
    "seed_interval",
    "summarise",
    "write_report",
]
