"""The signatures that a trained model is served with: core TensorFlow ops only, rows independent of each other."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from etvae_tf.data.images import preprocess
from etvae_tf.geometry import disc_mask
from etvae_tf.models import ETVAE
from etvae_tf.objectives import kl_to_standard_normal, pixel_log_likelihood

__all__ = ["Servable"]

_VOTE_DRAWS = 32  # of z, for the standard deviation of the vote fractions
_ELBO_DRAWS = 4  # of z, for the expected log likelihood of the pixels
_SEED = 0


class Servable(tf.Module):
    """A trained ETVAE behind four signatures; B is free in all, also 0.

    Noise is drawn once and the same for every row and every call, so a row's numbers depend on the row alone.
    """

    def __init__(self, model: ETVAE, crop_fraction: float = 1.0):
        """Args:
        model: trained.
        crop_fraction: central part of an encoded picture that is kept, as in training.
        """
        super().__init__(name="etvae")
        self._size, _, self._channels = model.image_shape
        self._crop_fraction = crop_fraction
        # The Keras objects stay out of the module: a SavedModel that tracks them needs Keras to be loaded.
        self._without_tracking = lambda: model
        weights = [*model.encoder.weights, *model.classifier.weights, *model.decoder.weights, model.log_pixel_scale]
        self._weights = [weight if isinstance(weight, tf.Variable) else weight.value for weight in weights]
        noise = np.random.RandomState(_SEED).standard_normal((_VOTE_DRAWS, 1, model.encoder.latent_dim))
        self._noise = tf.constant(noise, tf.float32)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Name of each signature and its function."""
        images = tf.TensorSpec((None, self._size, self._size, self._channels), tf.float32, "images")
        encoded = tf.TensorSpec((None,), tf.string, "image_bytes")
        return {
            "serving_default": tf.function(self._predict).get_concrete_function(images),
            "predict_bytes": tf.function(self._predict_bytes).get_concrete_function(encoded),
            "canonicalise": tf.function(self._canonicalise).get_concrete_function(images),
            "reconstruct": tf.function(self._reconstruct).get_concrete_function(images),
        }

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Votes with their uncertainty, latent and pose of images (B, H, W, C) in [0, 1]."""
        model = self._without_tracking()
        posteriors = model.mirrored_posteriors(images)
        fractions = _mean([tf.nn.softmax(model.classifier(view.loc)) for view in posteriors])
        draws = _mean([self._drawn_fractions(view.loc, view.scale) for view in posteriors])
        own = posteriors[0]
        return {
            "vote_fractions": fractions,
            "vote_logits": tf.math.log(fractions),
            "vote_fractions_std": tf.math.reduce_std(draws, axis=0),
            "latent_mean": own.loc,
            "latent_stddev": own.scale,
            "pose_angle": _angle(own.pose),
        }

    def _drawn_fractions(self, loc: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Vote fractions (S, B, K) of S draws of z."""
        latent = loc + scale * self._noise
        logits = self._without_tracking().classifier(tf.reshape(latent, (-1, loc.shape[-1])))
        return tf.reshape(tf.nn.softmax(logits), (_VOTE_DRAWS, -1, logits.shape[-1]))

    def _predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `_predict`, of JPEG or PNG files (B,); NaN and ok = false in the rows that cannot be decoded."""
        pictures, ok = self._decode(image_bytes)
        outputs = self._predict(tf.cast(pictures, tf.float32) / 255.0)
        for name, values in outputs.items():
            mask = tf.reshape(ok, [-1] + [1] * (len(values.shape) - 1))
            outputs[name] = tf.where(mask, values, np.float32(np.nan))
        return {**outputs, "ok": ok}

    def _decode(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """uint8 pictures (B, H, W, C) and which of them (B,) could be decoded.

        A decoder's error would end the whole call; only a dataset passes over it.
        """
        count = tf.size(image_bytes, out_type=tf.int64)
        shape = (self._size, self._size, self._channels)

        def decode(row: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return row, preprocess(encoded, self._size, self._channels, self._crop_fraction)

        rows = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
        decoded = rows.map(decode, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors(log_warning=False)
        last = tf.data.Dataset.from_tensors((count, tf.zeros(shape, tf.uint8)))  # a batch must not be empty
        where, pictures = decoded.concatenate(last).batch(count + 1).get_single_element()
        ok = tf.scatter_nd(where[:, None], tf.ones_like(where), tf.reshape(count + 1, (1,)))[:-1] > 0
        size = tf.concat([tf.reshape(count + 1, (1,)), tf.constant(shape, tf.int64)], axis=0)
        scattered = tf.scatter_nd(where[:, None], tf.cast(pictures, tf.int32), size)[:-1]
        return tf.ensure_shape(tf.cast(scattered, tf.uint8), (None, *shape)), tf.ensure_shape(ok, (None,))

    def _canonicalise(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pictures turned upright, inside the inscribed disc, and the pose they had."""
        pose, canonical = self._without_tracking().encoder.canonicalise(images)
        return {"canonical": canonical, "pose_angle": _angle(pose)}

    def _reconstruct(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pictures decoded from the posterior mean, and each one's ELBO in nats."""
        model = self._without_tracking()
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
