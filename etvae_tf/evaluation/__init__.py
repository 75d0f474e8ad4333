"""What a trained model is worth: vote metrics, equivariance, figures."""

from etvae_tf.evaluation.error_bars import (
    concentrations_of,
    coverage_metrics,
    fit_concentrations,
    vote_deviations,
    vote_intervals,
)
from etvae_tf.evaluation.evaluate import (
    evaluate_model,
    predict_galaxies,
    summarise,
    write_predictions,
    write_reconstruction_figure,
    write_votes_figure,
)
from etvae_tf.evaluation.figures import (
    as_shown,
    coverage_figure,
    latent_figure,
    loss_figure,
    mosaic,
    pose_figure,
    reconstruction_figure,
    votes_figure,
)
from etvae_tf.evaluation.latent_map import latent_map
from etvae_tf.evaluation.metrics import evaluate_predictions, prediction_spread, vote_metrics
from etvae_tf.evaluation.scoring import evaluate_run

__all__ = [
    "as_shown",
    "concentrations_of",
    "coverage_figure",
    "coverage_metrics",
    "evaluate_model",
    "evaluate_predictions",
    "evaluate_run",
    "fit_concentrations",
    "latent_figure",
    "latent_map",
    "loss_figure",
    "mosaic",
    "pose_figure",
    "predict_galaxies",
    "prediction_spread",
    "reconstruction_figure",
    "summarise",
    "vote_deviations",
    "vote_intervals",
    "vote_metrics",
    "votes_figure",
    "write_predictions",
    "write_reconstruction_figure",
    "write_votes_figure",
]
