"""The signatures that a trained model is served with: core TensorFlow ops only, rows independent of each other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from etvae_tf.evaluation.error_bars import SMALLEST_FRACTION
from etvae_tf.geometry import disc_mask
from etvae_tf.models import ETVAE
from etvae_tf.objectives import kl_to_standard_normal, pixel_log_likelihood
from etvae_tf.serving.decoding import predict_files
from etvae_tf.training import Novelty

__all__ = ["Servable"]

_ELBO_DRAWS = 4  # of z, for the expected log likelihood of the pixels
_SEED = 0  # of those draws


def _any_batch(method: Callable[..., dict[str, tf.Tensor]]) -> Callable[..., dict[str, tf.Tensor]]:
    """Lets images have B = 0, which convolutions give a wrong shape: an empty batch gets a black row for the while."""

    @functools.wraps(method)
    def padded(self: Servable, images: tf.Tensor) -> dict[str, tf.Tensor]:
        count = tf.shape(images)[0]
        black = tf.zeros([tf.maximum(1 - count, 0), *images.shape[1:]])
        outputs = method(self, tf.concat([images, black], axis=0))
        return {name: values[:count] for name, values in outputs.items()}

    return padded


class Servable(tf.Module):
    """A trained ETVAE behind named signatures; B is free in all, also 0.

    Noise is drawn once and is the same for every row and every call, so a row's numbers depend on the row alone.

    Args:
        model: trained.
        crop_fraction: central part of an encoded picture that is kept, in (0, 1]; as in training, as a rule.
        autoencoder: an ETVAE of the same sizes that `reconstruct` is served from; None leaves that signature out.
        even_concentrations: of the votes around predictions (`etvae_tf.evaluation.concentrations_of`), one for each of
            Q questions; NaN where they are unknown.
        n_votes: on each question, as a rule.
        novelty: how unlike the training pictures a latent is; None leaves that output out.

    Attributes:
        functions: concrete function by the name of its signature.
    """

    def __init__(
        self,
        model: ETVAE,
        crop_fraction: float = 1.0,
        autoencoder: ETVAE | None = None,
        even_concentrations: Sequence[float] | None = None,
        n_votes: Sequence[float] | None = None,
        novelty: Novelty | None = None,
    ):
        super().__init__(name="etvae")
        self._size, _, self._channels = model.image_shape
        self._crop_fraction = crop_fraction
        # Behind functions, for a module exports what it sees, and Keras would add training functions and optimizers.
        self._model = lambda: model
        self._autoencoder = lambda: autoencoder
        noise = np.random.RandomState(_SEED).standard_normal((_ELBO_DRAWS, 1, model.encoder.latent_dim))
        self._noise = tf.constant(noise, tf.float32)
        answers = model.vote_head.answers
        unknown = [np.nan] * len(answers)
        self._even_concentrations = unknown if even_concentrations is None else even_concentrations
        self._n_votes = np.repeat(unknown if n_votes is None else n_votes, answers)
        self._novelty = novelty
        images = tf.TensorSpec((None, self._size, self._size, self._channels), tf.float32, "images")
        encoded = tf.TensorSpec((None,), tf.string, "image_bytes")
        self._predict = tf.function(self._predict_images).get_concrete_function(images)
        self.functions = {
            "serving_default": self._predict,
            "predict_bytes": tf.function(self._predict_bytes).get_concrete_function(encoded),
            "canonicalise": tf.function(self._canonicalise).get_concrete_function(images),
        }
        if autoencoder is not None:
            self.functions["reconstruct"] = tf.function(self._reconstruct).get_concrete_function(images)
        used = {id(weight): weight for one in self.functions.values() for weight in one.graph.variables}
        self._weights = list(used.values())

    @_any_batch
    def _predict_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Votes and how sure they are, latent, pose and novelty of images (B, H, W, C) in [0, 1]."""
        model = self._model()
        posteriors = model.encoder.mirrored_posteriors(images)
        fractions = _mean([model.vote_head.fractions(model.vote_head(view.loc)) for view in posteriors])
        own = posteriors[0]
        outputs = {
            "vote_fractions": fractions,
            "vote_logits": tf.math.log(fractions),
            "vote_concentration": self._concentrations(fractions),
            "n_votes": tf.ones_like(fractions) * self._n_votes,
            "latent_mean": own.loc,
            "latent_stddev": own.scale,
            "pose_angle": _angle(own.pose),
        }
        if self._novelty is not None:
            outputs["novelty"] = tf.norm((own.loc - self._novelty.mean) @ self._novelty.whitening, axis=1)
        return outputs

    def _concentrations(self, fractions: tf.Tensor) -> tf.Tensor:
        """Parameters (B, K) of the Dirichlet distributions around fractions (B, K)."""
        questions = tf.split(fractions, self._model().vote_head.answers, axis=-1)
        parameters = []
        for one, even in zip(questions, self._even_concentrations, strict=True):
            inside = tf.maximum(one, SMALLEST_FRACTION)
            spread = tf.reduce_sum(inside * (1 - inside), axis=-1, keepdims=True)
            parameters.append(one * even / tf.sqrt(2 * spread))
        return tf.concat(parameters, axis=-1)

    def _predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `_predict`, of picture files (B,); NaN and ok = false in the rows that cannot be decoded."""
        return predict_files(self._predict, image_bytes, self._size, self._channels, self._crop_fraction)

    @_any_batch
    def _canonicalise(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pictures turned upright, inside the inscribed disc, and the pose they had."""
        pose, canonical = self._model().encoder.canonicalise(images)
        return {"canonical": canonical, "pose_angle": _angle(pose)}

    @_any_batch
    def _reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pictures decoded from the posterior mean, and each one's ELBO in nats."""
        model = self._autoencoder()
        posterior, reconstruction = model.reconstruct(images)
        mask, scale = disc_mask(self._size, self._size), tf.exp(model.log_pixel_scale)
        log_likelihoods = []
        for draw in range(_ELBO_DRAWS):
            decoded = model.decode(posterior.loc + posterior.scale * self._noise[draw], posterior.pose)
            log_likelihoods.append(pixel_log_likelihood(images, decoded, scale, mask, model.pixel_likelihood))
        kl = tf.reduce_sum(kl_to_standard_normal(posterior.loc, posterior.scale), axis=-1)
        return {"reconstruction": reconstruction, "elbo": _mean(log_likelihoods) - kl}


def _mean(tensors: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n(tensors) / len(tensors)


def _angle(pose: tf.Tensor) -> tf.Tensor:
    """The rotation (B,) in radians of poses (B, P); 0 without pose prediction."""
    return pose[:, 0] if pose.shape[-1] else tf.zeros([tf.shape(pose)[0]])
