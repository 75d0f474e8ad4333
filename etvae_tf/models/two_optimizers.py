"""A Keras model with an optimizer for each of two objectives: how it is compiled, saved so, and called by users."""

from __future__ import annotations

from typing import Any

import keras

from etvae_tf.models.inputs import guarded
from etvae_tf.models.options import optimizers_of, refuse_options

__all__ = ["TwoOptimizers"]

_OPTIMIZERS = ("optimizer", "vae_optimizer")


class TwoOptimizers(keras.Model):
    """What an ETVAE is to Keras; a subclass says what each objective moves, and takes the steps.

    Attributes:
        image_shape: (H, W, C), which the subclass sets in its constructor.

    Args:
        **kwargs: of `keras.Model`.
    """

    image_shape: tuple[int, int, int]

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.vae_optimizer = None  # until compiled

    @property
    def vae_variables(self) -> list:
        """What a step of the ELBO moves."""
        raise NotImplementedError

    @property
    def vote_variables(self) -> list:
        """What a step of the vote likelihood moves."""
        raise NotImplementedError

    def compile(
        self,
        optimizer: Any = "adam",
        vae_optimizer: Any = "adam",
        kl_weight: float = 1.0,
        kl_warmup_steps: int = 0,
        view_weight: float = 0.0,
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
            freeze_encoder: votes do not move the encoder (the M1 model of Kingma et al. 2014).
            jit_compile: compile the steps with XLA; on CPUs it takes twice as long (Keras 3 would choose it by itself).
            run_eagerly: as in `keras.Model.compile`.
            steps_per_execution: as in `keras.Model.compile`.
            **others: of `keras.Model.compile`; None alone, since losses and metrics are made of the model.

        Raises:
            InputError: an option or an optimizer that has no use here.
        """
        refuse_options(others)
        votes, vae = optimizers_of(optimizer, vae_optimizer)
        shared = {"jit_compile": jit_compile, "run_eagerly": run_eagerly, "steps_per_execution": steps_per_execution}
        super().compile(optimizer=votes, **shared)
        self.vae_optimizer = vae
        self.kl_weight = kl_weight
        self.kl_warmup_steps = kl_warmup_steps
        self.view_weight = view_weight
        self.freeze_encoder = freeze_encoder
        own = {name: getattr(self, name) for name in ("kl_weight", "kl_warmup_steps", "view_weight", "freeze_encoder")}
        self._compile_options = {**own, **shared}
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

    fit = guarded(keras.Model.fit)
    evaluate = guarded(keras.Model.evaluate)
    predict = guarded(keras.Model.predict)
    train_on_batch = guarded(keras.Model.train_on_batch)
    test_on_batch = guarded(keras.Model.test_on_batch)
    predict_on_batch = guarded(keras.Model.predict_on_batch)
    __call__ = guarded(keras.Model.__call__)
