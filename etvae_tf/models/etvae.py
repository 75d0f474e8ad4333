"""The Equivariant-Transformer VAE with a vote classifier on its latent."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.geometry import disc_mask
from etvae_tf.layers import PosteriorSampling, Transform
from etvae_tf.models.classifier import Classifier
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder, Posterior
from etvae_tf.models.two_objectives import TwoObjectives
from etvae_tf.objectives import kl_to_standard_normal, pixel_log_likelihood, vote_nll

__all__ = ["ETVAE"]

_FIRST_PIXEL_SCALE = 0.05  # of [0, 1]; learnt from there. A much larger one lets the KL win: the posterior collapses
_MIRRORS = ((1,), (2,), (1, 2))  # axes of (B, H, W, C) that are reversed


@keras.saving.register_keras_serializable("etvae_tf")
class ETVAE(TwoObjectives):
    """Encoder, decoder and classifier, trained on pictures with and without votes: for `fit`, see `TwoObjectives`.

    `predict` takes images (B, H, W, C) in [0, 1] and gives a dictionary: vote_fractions and vote_logits (B, K),
    latent_mean and latent_stddev (B, Z), pose (B, P). Morphology does not change in a mirror: the fractions are the
    mean over the picture and its three mirror images; latent and pose are those of the picture itself.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        classifier: Classifier,
        pixel_likelihood: str = "gaussian",
        seed: int = 0,
        **kwargs,
    ):
        """Args:
        encoder, decoder, classifier: the three parts.
        pixel_likelihood: a key of `objectives.PIXEL_LIKELIHOODS`.
        seed: with the step, determines every random number drawn in training.
        """
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.classifier = classifier
        self.pixel_likelihood = pixel_likelihood
        self.seed = seed
        self.sampling = PosteriorSampling(name="posterior_sampling")
        # Views of a galaxy share this many of its latents; the others may tell how they differ, which the pixels need.
        self.shared_dim = -(-encoder.latent_dim // 2)
        self.projection = Classifier(encoder.latent_dim, 4 * encoder.latent_dim, name="projection")
        pose = encoder.pose
        self.from_canonical = Transform(pose.group, sampler=pose.sampler, name="from_canonical") if pose else None

    def build(self, input_shape: tuple | None = None) -> None:
        """Builds all parts; the picture's shape is the decoder's."""
        size, channels = self.decoder.image_size, self.decoder.channels
        self.image_shape = (size, size, channels)
        latent_shape = (None, self.encoder.latent_dim)
        shapes = {"encoder": (None, *self.image_shape), "decoder": latent_shape, "classifier": latent_shape}
        shapes["projection"] = (None, self.shared_dim)
        for name, shape in shapes.items():
            part = getattr(self, name)
            if not part.built:  # deserialised parts come built
                part.build(shape)
        self.log_pixel_scale = self.add_weight(
            name="log_pixel_scale", shape=(), initializer=keras.initializers.Constant(np.log(_FIRST_PIXEL_SCALE))
        )
        self.built = True

    def summary(self, *args: Any, **kwargs) -> None:
        """As Keras's, with every part's output shape: Keras knows that of a layer called on symbolic inputs."""
        loc, scale, pose, canonical = self.encoder(keras.Input(self.image_shape))
        latent = self.sampling(loc, scale, keras.Input(batch_shape=(2,), dtype="int32"))
        for part in (self.decoder, self.classifier, self.project):
            part(latent)
        if self.from_canonical is not None:
            self.from_canonical(canonical, pose)
        super().summary(*args, **kwargs)

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Predictions from the posterior mean; see the class."""
        posterior, *_ = posteriors = self.mirrored_posteriors(images)
        fractions = tf.add_n([tf.nn.softmax(self.classifier(view.loc)) for view in posteriors]) / len(posteriors)
        return {
            "vote_fractions": fractions,
            "vote_logits": tf.math.log(fractions),
            "latent_mean": posterior.loc,
            "latent_stddev": posterior.scale,
            "pose": posterior.pose,
        }

    def mirrored_posteriors(self, images: tf.Tensor) -> list[Posterior]:
        """Posteriors of images (B, H, W, C) and of their three mirror images, whose predictions are averaged."""
        return [self.encoder(images), *(self.encoder(tf.reverse(images, axes)) for axes in _MIRRORS)]

    def decode(self, latent: tf.Tensor, pose: tf.Tensor) -> tf.Tensor:
        """Latents (B, Z) and poses (B, P) to pictures (B, H, W, C) in [0, 1], 0 outside the inscribed disc."""
        canonical = self.decoder(latent)
        if self.from_canonical is None:
            return canonical * disc_mask(*self.image_shape[:2])
        return self.from_canonical(canonical, pose)

    def reconstruct(self, images: tf.Tensor) -> tuple[Posterior, tf.Tensor]:
        """Posterior of images (B, H, W, C), and the pictures decoded from its mean."""
        posterior = self.encoder(images)
        return posterior, self.decode(posterior.loc, posterior.pose)

    def elbo_terms(
        self, images: tf.Tensor, seed: tf.Tensor, posterior: Posterior | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """log p(x | z, pose) (B,) for one draw of z, and KL (B, Z) of each latent dimension; in nats.

        The posterior of the images is computed where it is not given.
        """
        posterior = posterior or self.encoder(images)
        latent = self.sampling(posterior.loc, posterior.scale, seed)
        mask = disc_mask(*self.image_shape[:2])
        scale = tf.exp(self.log_pixel_scale)
        log_likelihood = pixel_log_likelihood(
            images, self.decode(latent, posterior.pose), scale, mask, self.pixel_likelihood
        )
        return log_likelihood, kl_to_standard_normal(posterior.loc, posterior.scale)

    def project(self, latent: tf.Tensor) -> tf.Tensor:
        """What the view contrast compares: a function (B, Z) of the shared half of latents (B, Z)."""
        return self.projection(latent[:, : self.shared_dim])

    def vote_terms(self, images: tf.Tensor, votes: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Negative log likelihood of votes (B, K): (B,) in nats; with a seed, for one draw of z and dropout."""
        posterior = self.encoder(images)
        latent = posterior.loc if seed is None else self.sampling(posterior.loc, posterior.scale, seed)
        return vote_nll(votes, self.classifier(latent, seed))

    def check_equivariance(self, images: tf.Tensor, seed: int = 0) -> np.ndarray:
        """Pose errors (B, P) of random transformations, see `Pose.check_equivariance`; needs a pose."""
        return self.encoder.pose.check_equivariance(images, seed)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the model."""
        names = ("encoder", "decoder", "classifier")
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {**parts, "pixel_likelihood": self.pixel_likelihood, "seed": self.seed, "name": self.name}

    def get_build_config(self) -> dict[str, Any]:
        """Lets Keras build a loaded model before it has its weights."""
        return {"input_shape": (None, *self.image_shape)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ETVAE:
        """The inverse of `get_config`."""
        names = ("encoder", "decoder", "classifier")
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in names}
        return cls(**{**config, **parts})
