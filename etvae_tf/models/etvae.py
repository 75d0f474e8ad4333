"""The Equivariant-Transformer VAE with a vote head on its latent, and how it is trained with two objectives."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.compat import allow_saving
from etvae_tf.geometry import disc_mask
from etvae_tf.layers import PosteriorSampling, Transform
from etvae_tf.layers.precision import refuse_precision
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder, Posterior
from etvae_tf.models.inputs import asked_for, batch_of, pictures_of
from etvae_tf.models.options import optimizers_of, refuse_options, refuse_other_keras, refuse_seed
from etvae_tf.models.pretext import Pretext
from etvae_tf.models.shapes import ShownModel
from etvae_tf.models.steps import descend, draw_seed, warmth, with_loss
from etvae_tf.models.vote_head import VoteHead
from etvae_tf.objectives import kl_to_standard_normal, pixel_log_likelihood

__all__ = ["ETVAE"]

_TRACKED = ("elbo", "log_likelihood", "kl", "view_contrast", "measure_error", "vote_nll", "vote_mse")
_PARTS = ("encoder", "decoder", "vote_head")
_OPTIMIZERS = ("optimizer", "vae_optimizer")
_ELBO, _VOTES = 0, 1  # objectives, which draw random numbers of their own
_FIRST_PIXEL_SCALE = 0.05  # of [0, 1]; learnt from there. A much larger one lets the KL win: the posterior collapses


@keras.saving.register_keras_serializable("etvae_tf")
class ETVAE(ShownModel):
    """Encoder, decoder and vote head, trained on pictures with and without votes, by an optimizer each.

    `fit` takes a dataset of dictionaries with one or both of

    - "unlabelled": images (B, H, W, C), for one ELBO step on encoder and decoder (Eq. 4); or (images, views), both
      (B, H, W, C), where views are other views of the same galaxies, for the view contrast beside the ELBO; or
      (images, views, measures), with standardised measures (B, D) of the galaxies that their latents shall tell;
    - "labelled": (images (B, H, W, C), votes (B, K)), for one step of the vote likelihood on vote head and encoder.

    Labelled data alone is supervised learning and never touches the decoder. `loss` is vote_nll minus elbo. Keras's
    callbacks move the learning rate of `optimizer`, the votes'; `vae_optimizer` follows after
    `model.vae_optimizer.learning_rate.assign(model.optimizer.learning_rate)`.
    `predict` takes images (B, H, W, C) in [0, 1] and gives a dictionary: vote_fractions and vote_logits (B, K),
    latent_mean and latent_stddev (B, Z), pose (B, P). Morphology does not change in a mirror: the fractions are the
    mean over picture and mirror images; latent and pose are the picture's own. A `.keras` file is read by the Keras
    that wrote it, 2 or 3; a SavedModel (`model.export`) by both.

    Args:
        encoder, decoder, vote_head: the three parts.
        pixel_likelihood: a key of `objectives.PIXEL_LIKELIHOODS`.
        seed: in [0, 2 ** 32); with the step, determines every random number drawn in training.
        measures: D, how many measures pre-training may ask of the latent; 0 for none.

    Raises:
        InputError: the seed is out of range, or Keras's dtype policy is not float32.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        vote_head: VoteHead,
        pixel_likelihood: str = "gaussian",
        seed: int = 0,
        measures: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        refuse_seed(seed)
        refuse_precision(self)
        self.encoder = encoder
        self.decoder = decoder
        self.vote_head = vote_head
        self.image_shape = (decoder.image_size, decoder.image_size, decoder.channels)
        self.pixel_likelihood = pixel_likelihood
        self.seed = seed
        self.sampling = PosteriorSampling(name="posterior_sampling")
        self.pretext = Pretext(encoder.latent_dim, measures, name="pretext")
        self._batch_shape = (self.image_shape, sum(vote_head.answers), measures)
        pose = encoder.pose
        self.from_canonical = Transform(pose.group, sampler=pose.sampler, name="from_canonical") if pose else None
        self.vae_optimizer = None  # until compiled
        self.trackers = {name: keras.metrics.Mean(name=name) for name in _TRACKED}

    def build(self, input_shape: tuple | None = None) -> None:
        """Builds all parts; the picture's shape is the decoder's."""
        for part, shape in [
            (self.encoder, self.image_shape),
            (self.decoder, (self.encoder.latent_dim,)),
            (self.vote_head, (self.encoder.latent_dim,)),
            (self.pretext, (self.encoder.latent_dim,)),
        ]:
            if not part.built:  # deserialised parts come built
                part.build((None, *shape))
        self.log_pixel_scale = self.add_weight(
            name="log_pixel_scale", shape=(), initializer=keras.initializers.Constant(np.log(_FIRST_PIXEL_SCALE))
        )
        self.built = True
        allow_saving(self, (None, *self.image_shape))

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Predictions from the posterior mean; see the class."""
        posterior, *_ = posteriors = self.encoder.mirrored_posteriors(pictures_of(images, self.image_shape))
        views = [self.vote_head.fractions(self.vote_head(view.loc)) for view in posteriors]
        fractions = tf.add_n(views) / len(views)
        return {
            "vote_fractions": fractions,
            "vote_logits": tf.math.log(fractions),
            "latent_mean": posterior.loc,
            "latent_stddev": posterior.scale,
            "pose": posterior.pose,
        }

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

    def elbo_terms(self, images: tf.Tensor, posterior: Posterior, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """log p(x | z, pose) (B,) for one draw of z, and KL (B, Z) of each latent dimension; in nats."""
        latent = self.sampling(posterior.loc, posterior.scale, seed)
        decoded = self.decode(latent, posterior.pose)
        mask, scale = disc_mask(*self.image_shape[:2]), tf.exp(self.log_pixel_scale)
        log_likelihood = pixel_log_likelihood(images, decoded, scale, mask, self.pixel_likelihood)
        return log_likelihood, kl_to_standard_normal(posterior.loc, posterior.scale)

    def vote_terms(self, images: tf.Tensor, votes: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Negative log likelihood of votes (B, K): (B,) in nats; with a seed, for one draw of z."""
        posterior = self.encoder(images)
        latent = posterior.loc if seed is None else self.sampling(posterior.loc, posterior.scale, seed)
        return tf.reduce_sum(self.vote_head.nll(votes, self.vote_head(latent)), axis=-1)

    def check_equivariance(self, images: tf.Tensor, seed: int = 0) -> np.ndarray:
        """Pose errors (B, P) of random transformations, see `Pose.check_equivariance`; needs a pose."""
        return self.encoder.pose.check_equivariance(images, seed)

    @property
    def vae_variables(self) -> list:
        """What an ELBO step moves."""
        scale = [] if self.pixel_likelihood == "bernoulli" else [self.log_pixel_scale]  # it has none
        pretext = self.pretext.variables_of(self.view_weight, self.measure_weight)
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables, *scale, *pretext]

    @property
    def vote_variables(self) -> list:
        """What a vote step moves: vote_head and, unless frozen (M1), encoder."""
        encoder = [] if self.freeze_encoder else self.encoder.trainable_variables
        return [*encoder, *self.vote_head.trainable_variables]

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
        measure_weight: float = 0.0,
        freeze_encoder: bool = False,
        jit_compile: bool = False,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        **others,
    ) -> None:
        """Sets the optimizers and the weights of the terms.

        Args:
            optimizer: of the vote likelihood (vote head and encoder): a name, a config or an instance.
            vae_optimizer: of the ELBO (encoder and decoder).
            kl_weight: of the KL term; 1 is the ELBO.
            kl_warmup_steps: ELBO steps over which the KL weight rises linearly from 0.
            view_weight: of the view contrast, in the loss beside the negative ELBO; 0 leaves views out.
            measure_weight: of the mean squared error of the measures; 0 leaves them out.
            freeze_encoder: votes do not move the encoder (the M1 model of Kingma et al. 2014).
            jit_compile: compile the steps with XLA; on CPUs it takes twice as long (Keras 3 would choose it by itself).
            run_eagerly: as in `keras.Model.compile`.
            steps_per_execution: as in `keras.Model.compile`.
            **others: of `keras.Model.compile`: an InputError unless None, since losses and metrics are the model's own.
        """
        refuse_options(others)
        self.pretext.refuse_weight(measure_weight)
        votes, vae = optimizers_of(optimizer, vae_optimizer)
        shared = {"jit_compile": jit_compile, "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution}
        super().compile(optimizer=votes, **shared)
        self.vae_optimizer = vae
        self.kl_weight, self.kl_warmup_steps = kl_weight, kl_warmup_steps
        self.view_weight, self.measure_weight, self.freeze_encoder = view_weight, measure_weight, freeze_encoder
        names = ("kl_weight", "kl_warmup_steps", "view_weight", "measure_weight", "freeze_encoder")
        self._compile_options = {**shared, **{name: getattr(self, name) for name in names}}
        if not self.built:
            self.build((None, *self.image_shape))
        self.optimizer.build(self.vote_variables)
        self.vae_optimizer.build(self.vae_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What compiles a loaded model again; None before `compile`."""
        if self.vae_optimizer is None:
            return None
        optimizers = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in _OPTIMIZERS}
        return {**optimizers, **self._compile_options}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """The inverse of `get_compile_config`."""
        optimizers = {name: keras.saving.deserialize_keras_object(config[name]) for name in _OPTIMIZERS}
        self.compile(**{**config, **optimizers})

    def train_step(self, data: dict[str, Any]) -> dict[str, tf.Tensor]:
        """One ELBO step if there are unlabelled pictures, then one vote step if there are labelled ones."""
        batch, updated = batch_of(data, *self._batch_shape), {}
        if "unlabelled" in batch:
            updated |= self._elbo_step(*batch["unlabelled"])
        if "labelled" in batch:
            updated |= self._vote_step(*batch["labelled"])
        return with_loss(updated)

    def _elbo_step(self, images: tf.Tensor, views: Any, measures: Any) -> dict[str, tf.Tensor]:
        step, tracked = tf.cast(self.vae_optimizer.iterations, tf.int32), {}
        with tf.GradientTape() as tape:
            posterior = self.encoder(images)
            log_likelihood, kl = self.elbo_terms(images, posterior, draw_seed(self.seed, _ELBO, step))
            kl = tf.reduce_sum(kl, axis=-1)
            losses = self.kl_weight * warmth(step, self.kl_warmup_steps) * kl - log_likelihood
            if self.view_weight:
                seen = self.encoder(asked_for(views, "view"))
                tracked["view_contrast"] = contrast = self.pretext.view_contrast(posterior.loc, seen.loc)
                losses += self.view_weight * contrast
            if self.measure_weight:
                error = self.pretext.measure_error(posterior.loc, asked_for(measures, "measure"))
                tracked["measure_error"], losses = error, losses + self.measure_weight * error
            loss = tf.nn.compute_average_loss(losses)
        descend(self.vae_optimizer, tape, loss, self.vae_variables)
        return self._track(log_likelihood=log_likelihood, kl=kl, elbo=log_likelihood - kl, **tracked)

    def _vote_step(self, images: tf.Tensor, votes: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            nll = self.vote_terms(images, votes, draw_seed(self.seed, _VOTES, self.optimizer.iterations))
            loss = tf.nn.compute_average_loss(nll)
        descend(self.optimizer, tape, loss, self.vote_variables)
        return self._track(vote_nll=nll)

    def test_step(self, data: dict[str, Any]) -> dict[str, tf.Tensor]:
        """The same terms without learning; the ELBO with a seed of its own, the votes from the posterior mean."""
        batch, updated = batch_of(data, *self._batch_shape), {}
        if "unlabelled" in batch:
            images, *_ = batch["unlabelled"]
            log_likelihood, kl = self.elbo_terms(images, self.encoder(images), draw_seed(self.seed, _ELBO, -1))
            kl = tf.reduce_sum(kl, axis=-1)
            updated |= self._track(log_likelihood=log_likelihood, kl=kl, elbo=log_likelihood - kl)
        if "labelled" in batch:
            images, votes = batch["labelled"]
            head = self.vote_head
            logits = head(self.encoder(images).loc)
            error = head.squared_error(votes, logits)
            updated |= self._track(vote_nll=tf.reduce_sum(head.nll(votes, logits), axis=-1), vote_mse=error)
        return with_loss(updated)

    def _track(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in values}

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the model."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in _PARTS}
        own = {name: getattr(self, name) for name in ("pixel_likelihood", "seed", "name")}
        return {**parts, **own, "measures": self.pretext.measures, "keras": int(keras.__version__[0])}

    def get_build_config(self) -> dict[str, Any]:
        """Lets Keras build a loaded model before it has its weights."""
        return {"input_shape": (None, *self.image_shape)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ETVAE:
        """The inverse of `get_config`."""
        config = {"keras": None, **config}
        refuse_other_keras(config.pop("keras"))
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in _PARTS}
        return cls(**{**config, **parts})
