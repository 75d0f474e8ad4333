"""Training: regimes as lists of phases, each one `fit`."""

from etvae_tf.training.callbacks import RunState
from etvae_tf.training.finished import FinishedRun, finished_run, load_autoencoder, load_model
from etvae_tf.training.folder import RunFolder
from etvae_tf.training.monitors import GalaxyPanel, PoseEquivariance, PosteriorCollapse
from etvae_tf.training.novelty import Novelty, fit_novelty, learn_novelty
from etvae_tf.training.phases import REGIMES, Phase, compile_for, phases
from etvae_tf.training.start import Start, learnt_by_start, read_start, start_fingerprint, take_sizes
from etvae_tf.training.teachers import fractions_by_process, latent_means, out_of_fold, out_of_fold_by_process
from etvae_tf.training.train import train, training_set
from etvae_tf.training.validate import validate_config

__all__ = [
    "REGIMES",
    "FinishedRun",
    "GalaxyPanel",
    "Novelty",
    "Phase",
    "PoseEquivariance",
    "PosteriorCollapse",
    "RunFolder",
    "RunState",
    "Start",
    "compile_for",
    "finished_run",
    "fit_novelty",
    "fractions_by_process",
    "learn_novelty",
    "learnt_by_start",
    "load_autoencoder",
    "latent_means",
    "load_model",
    "out_of_fold",
    "out_of_fold_by_process",
    "phases",
    "read_start",
    "start_fingerprint",
    "take_sizes",
    "train",
    "training_set",
    "validate_config",
]
