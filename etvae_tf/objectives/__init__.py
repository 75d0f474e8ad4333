"""Objectives: pure functions, one value per galaxy, unreduced, in nats."""

from etvae_tf.objectives.elbo import PIXEL_LIKELIHOODS, kl_to_standard_normal, pixel_log_likelihood
from etvae_tf.objectives.views import view_contrast
from etvae_tf.objectives.votes import vote_nll

__all__ = [
    "PIXEL_LIKELIHOODS",
    "kl_to_standard_normal",
    "pixel_log_likelihood",
    "view_contrast",
    "vote_nll",
]
