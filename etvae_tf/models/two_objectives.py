"""Training with two objectives: an ELBO step on pictures, a vote step on labelled galaxies, an optimizer each."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from etvae_tf.models.conventions import as_floats, with_loss
from etvae_tf.objectives import view_contrast, vote_nll

__all__ = ["TwoObjectives"]

_TRACKED = ("elbo", "log_likelihood", "kl", "view_contrast", "vote_nll", "vote_mse")


class TwoObjectives(keras.Model):
    """What `fit` does with an encoder, a decoder and a classifier.

    `fit` takes a dataset of dictionaries with one or both of
        "unlabelled": images (B, H, W, C), for one ELBO step on encoder and decoder (Eq. 4); or (images, views), both
            (B, H, W, C), where views are other views of the same galaxies, for the view contrast beside the ELBO;
        "labelled": (images (B, H, W, C), votes (B, K)), for one step of the vote likelihood on classifier and encoder.
    Labelled data alone is supervised learning and never touches the decoder. `loss` is vote_nll minus elbo. Keras's
    callbacks move the learning rate of `optimizer`, the votes'; `vae_optimizer` follows after
    `model.vae_optimizer.learning_rate.assign(model.optimizer.learning_rate)`.

    A subclass has encoder, decoder, classifier, projection, log_pixel_scale, pixel_likelihood and seed, and gives
    `elbo_terms`, `vote_terms` and `project`.
    """

    def __init__(self, **kwargs):
        """Args:
        **kwargs: of `keras.Model`.
        """
        super().__init__(**kwargs)
        self.vae_optimizer = None  # until compiled
        self.trackers = {name: keras.metrics.Mean(name=name) for name in _TRACKED}

    @property
    def vae_variables(self) -> list:
        """What an ELBO step moves."""
        scale = [] if self.pixel_likelihood == "bernoulli" else [self.log_pixel_scale]  # it has none
        projection = self.projection.trainable_variables if self.view_weight else []
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables, *scale, *projection]

    @property
    def vote_variables(self) -> list:
        """What a vote step moves: classifier and, unless frozen (M1), encoder."""
        encoder = [] if self.freeze_encoder else self.encoder.trainable_variables
        return [*encoder, *self.classifier.trainable_variables]

    @property
    def metrics(self) -> list:
        """The trackers of every term."""
        return list(self.trackers.values())

    def compile(
        self,
        optimizer: Any = "adam",
        vae_optimizer: Any = "adam",
        kl_weight: float = 1.0,
        kl_warmup_steps: int = 0,
        view_weight: float = 0.0,
        freeze_encoder: bool = False,
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Args:
        optimizer: of the vote likelihood (classifier and encoder).
        vae_optimizer: of the ELBO (encoder and decoder).
        kl_weight: of the KL term; 1 is the ELBO.
        kl_warmup_steps: ELBO steps over which the KL weight rises linearly from 0.
        view_weight: of the view contrast, in the loss beside the negative ELBO; 0 leaves views out.
        freeze_encoder: votes do not move the encoder (the M1 model of Kingma et al. 2014).
        jit_compile: compile the steps with XLA; on CPUs it takes twice as long (Keras 3 would choose it by itself).
        **kwargs: of `keras.Model.compile`.
        """
        super().compile(optimizer=keras.optimizers.get(optimizer), jit_compile=jit_compile, **kwargs)
        self.vae_optimizer = keras.optimizers.get(vae_optimizer)
        self.kl_weight = kl_weight
        self.kl_warmup_steps = kl_warmup_steps
        self.view_weight = view_weight
        self.freeze_encoder = freeze_encoder
        if not self.built:
            self.build()
        self.optimizer.build(self.vote_variables)
        self.vae_optimizer.build(self.vae_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What compiles a loaded model again; None before `compile`."""
        if self.vae_optimizer is None:
            return None
        return {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "vae_optimizer": keras.saving.serialize_keras_object(self.vae_optimizer),
            "kl_weight": self.kl_weight,
            "kl_warmup_steps": self.kl_warmup_steps,
            "view_weight": self.view_weight,
            "freeze_encoder": self.freeze_encoder,
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """The inverse of `get_compile_config`."""
        optimizers = {
            name: keras.saving.deserialize_keras_object(config[name]) for name in ("optimizer", "vae_optimizer")
        }
        self.compile(**{**config, **optimizers})

    def train_step(self, data: dict[str, Any]) -> dict[str, tf.Tensor]:
        """One ELBO step if there are unlabelled pictures, then one vote step if there are labelled ones."""
        data, updated = as_floats(data, self.variable_dtype), {}
        if "unlabelled" in data:
            updated |= self._elbo_step(data["unlabelled"])
        if "labelled" in data:
            updated |= self._vote_step(*data["labelled"])
        return with_loss(updated)

    def _elbo_step(self, data: Any) -> dict[str, tf.Tensor]:
        images, views = data if isinstance(data, tuple) else (data, None)
        step = tf.cast(self.vae_optimizer.iterations, tf.int32)
        tracked = {}
        with tf.GradientTape() as tape:
            posterior = self.encoder(images)
            log_likelihood, kl = self.elbo_terms(images, tf.stack([2 * self.seed, step]), posterior)
            kl = tf.reduce_sum(kl, axis=-1)
            losses = self.kl_weight * _warmth(step, self.kl_warmup_steps) * kl - log_likelihood
            if self.view_weight:
                if views is None:
                    raise ValueError('view_weight > 0 needs "unlabelled": (images, views); got images alone.')
                pairs = (self.project(posterior.loc), self.project(self.encoder(views).loc))
                tracked["view_contrast"] = contrast = view_contrast(*pairs)
                losses += self.view_weight * contrast
            loss = tf.nn.compute_average_loss(losses)
        variables = self.vae_variables
        self.vae_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._track(log_likelihood=log_likelihood, kl=kl, elbo=log_likelihood - kl, **tracked)

    def _vote_step(self, images: tf.Tensor, votes: tf.Tensor) -> dict[str, tf.Tensor]:
        step = tf.cast(self.optimizer.iterations, tf.int32)
        with tf.GradientTape() as tape:
            nll = self.vote_terms(images, votes, tf.stack([2 * self.seed + 1, step]))
            loss = tf.nn.compute_average_loss(nll)
        variables = self.vote_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._track(vote_nll=nll)

    def test_step(self, data: dict[str, Any]) -> dict[str, tf.Tensor]:
        """The same terms without learning; the ELBO with a seed of its own, the votes from the posterior mean."""
        data, updated = as_floats(data, self.variable_dtype), {}
        if "unlabelled" in data:
            log_likelihood, kl = self.elbo_terms(data["unlabelled"], tf.constant([2 * self.seed, -1]))
            kl = tf.reduce_sum(kl, axis=-1)
            updated |= self._track(log_likelihood=log_likelihood, kl=kl, elbo=log_likelihood - kl)
        if "labelled" in data:
            images, votes = data["labelled"]
            fractions = tf.math.divide_no_nan(votes, tf.reduce_sum(votes, axis=-1, keepdims=True))
            logits = self.classifier(self.encoder(images).loc)
            error = tf.reduce_mean(tf.square(tf.nn.softmax(logits) - fractions), axis=-1)
            updated |= self._track(vote_nll=vote_nll(votes, logits), vote_mse=error)
        return with_loss(updated)

    def _track(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in values}


def _warmth(step: tf.Tensor, steps: int) -> tf.Tensor:
    """Rises linearly to 1 over so many steps."""
    return tf.minimum(1.0, tf.cast(step + 1, tf.float32) / max(steps, 1))
