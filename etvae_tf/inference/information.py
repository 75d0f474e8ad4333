"""How much the votes on a galaxy would tell: entropies of one vote, by draws from the posterior, in nats.

A vote y on picture x is predicted by p(y | z), z ~ q(z | x). Its predictive entropy H[E p(y | z)] is all that is not
known about it; what volunteers disagree about, E H[p(y | z)], is a part that no label takes away. The difference is the
mutual information of y and z (BALD; Houlsby et al. 2011, arXiv:1112.5745), by which Walmsley et al. 2020
(arXiv:1905.07424) take galaxies, there with draws by dropout. Given the draws, both have a closed form for one vote;
several questions add up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from etvae_tf.models import ETVAE, VoteHead

__all__ = ["information_function", "information_of", "vote_information"]

_DRAWS = 16  # of z, for the picture and for each of its mirror images
_SEED = 0  # of those draws


def information_function(model: ETVAE) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """What gives the information of votes on pictures.

    As the model's predictions are means over a picture and its mirror images, draws come from the posteriors of all
    four.

    Args:
        model: trained.

    Returns:
        A function of images, float32 (B, H, W, C) in [0, 1]: latent_mean (B, Z), and `information_of` them.
    """

    @tf.function(reduce_retracing=True)
    def information(images: tf.Tensor) -> dict[str, tf.Tensor]:
        posteriors = model.encoder.mirrored_posteriors(images)
        found = information_of(model.vote_head, [(view.loc, view.scale) for view in posteriors])
        return {"latent_mean": posteriors[0].loc, **found}

    return information


def information_of(head: VoteHead, posteriors: Sequence[tuple[tf.Tensor, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Information of votes that a head predicts from posteriors.

    Noise is the same for every row and every call, so that a row's numbers depend on the row alone.

    Args:
        head: trained.
        posteriors: means and standard deviations (B, Z) of a galaxy's pictures, which count alike.

    Returns:
        entropy and mutual_information (B,) in nats.
    """
    noise = np.random.RandomState(_SEED).standard_normal((_DRAWS, 1, posteriors[0][0].shape[-1])).astype(np.float32)
    latents = tf.concat([loc + scale * noise for loc, scale in posteriors], axis=0)
    entropy, mutual = vote_information(head(latents), head.answers)
    return {"entropy": entropy, "mutual_information": mutual}


def vote_information(logits: tf.Tensor, answers: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """Predictive entropy of one vote on each question, and its mutual information with z, summed over questions.

    Args:
        logits: float tensor (S, B, K), for S draws of z.
        answers: how many each question has; K is their sum.

    Returns:
        Two float tensors (B,), in nats; 0 <= mutual information <= entropy, but for rounding.
    """
    entropies, expected = [], []
    for one in tf.split(logits, answers, axis=-1):
        log_fractions = tf.nn.log_softmax(one)
        fractions = tf.exp(log_fractions)
        mean = tf.reduce_mean(fractions, axis=0)
        entropies.append(-tf.reduce_sum(tf.math.xlogy(mean, mean), axis=-1))
        expected.append(-tf.reduce_mean(tf.reduce_sum(fractions * log_fractions, axis=-1), axis=0))
    entropy = tf.add_n(entropies)
    return entropy, entropy - tf.add_n(expected)
