"""The two terms of the ELBO (Eq. 4): expected log likelihood of the pixels, and KL to the prior N(0, I)."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["PIXEL_LIKELIHOODS", "kl_to_standard_normal", "pixel_log_likelihood"]

tfd = tfp.distributions

_PROBABILITY_MARGIN = 1e-5  # keeps the log of a Bernoulli probability finite; one grey level of 255 is 4e-3

PIXEL_LIKELIHOODS = {
    "gaussian": tfd.Normal,
    "laplace": tfd.Laplace,
    "bernoulli": lambda mean, scale: tfd.Bernoulli(
        probs=tf.clip_by_value(mean, _PROBABILITY_MARGIN, 1.0 - _PROBABILITY_MARGIN)
    ),
}


def pixel_log_likelihood(
    images: tf.Tensor, reconstructions: tf.Tensor, scale: tf.Tensor, mask: tf.Tensor, kind: str = "gaussian"
) -> tf.Tensor:
    """log p(x | z, pose), summed over channels and the pixels inside the mask.

    Args:
        images: float tensor (B, H, W, C), in [0, 1].
        reconstructions: float tensor (B, H, W, C), in [0, 1]: the likelihood's mean.
        scale: float tensor (), > 0: standard deviation (gaussian) or scale (laplace); unused by bernoulli.
        mask: float tensor (H, W, 1), 1 where the picture has data.
        kind: a key of `PIXEL_LIKELIHOODS`. "bernoulli" on grey pixels is the paper-era choice; it is not normalised.

    Returns:
        float tensor (B,), in nats.
    """
    log_prob = PIXEL_LIKELIHOODS[kind](reconstructions, scale).log_prob(images)
    return tf.reduce_sum(log_prob * mask, axis=[1, 2, 3])


def kl_to_standard_normal(loc: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """KL(N(loc, diag(scale^2)) || N(0, I)) of each latent dimension, (scale^2 + loc^2 - 1) / 2 - log scale.

    Args:
        loc: float tensor (B, Z).
        scale: float tensor (B, Z), > 0.

    Returns:
        float tensor (B, Z), in nats, >= 0; the galaxy's KL is the sum over Z.
    """
    return tfd.kl_divergence(tfd.Normal(loc, scale), tfd.Normal(tf.zeros_like(loc), tf.ones_like(scale)))
