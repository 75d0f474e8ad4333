"""Which optimizers and options of `compile` an ETVAE takes; others are refused in one sentence."""

from __future__ import annotations

from typing import Any

import keras

from etvae_tf.errors import InputError

__all__ = ["optimizers_of", "refuse_options", "refuse_other_keras", "refuse_seed"]


def optimizers_of(votes: Any, vae: Any) -> tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]:
    """An optimizer of the votes and one of the ELBO, of Keras's names, configs or instances.

    Raises:
        InputError: Keras knows no such optimizer, both are the same, or one has an option that two cannot share.
    """
    optimizers = _optimizer(votes, "optimizer"), _optimizer(vae, "vae_optimizer")
    if optimizers[0] is optimizers[1]:
        raise InputError(
            "one object came as optimizer and vae_optimizer, but each keeps the moments of its own weights; make two."
        )
    return optimizers


def _optimizer(value: Any, name: str) -> keras.optimizers.Optimizer:
    try:
        optimizer = keras.optimizers.get(value)
    except ValueError as error:
        raise InputError(f"{name}={value!r} came, but Keras knows no such optimizer; try 'adam'.") from error
    if hasattr(optimizer, "inner_optimizer"):
        raise InputError(f"{name} scales the loss, but an ETVAE computes in float32; give its inner optimizer alone.")
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise InputError(f"{name} is a {type(optimizer).__name__}, but one of keras.optimizers was expected; take one.")
    if optimizer.use_ema:  # at the end of fit, Keras would overwrite the weights of another list
        raise InputError(f"{name} has use_ema=True, but two optimizers move the same encoder; leave use_ema out.")
    return optimizer


def refuse_options(options: dict[str, Any]) -> None:
    """Raises an InputError on options of `keras.Model.compile` that an ETVAE has no use for, unless they are None."""
    for name, value in options.items():
        if value is not None:
            raise InputError(f"compile got {name}, but an ETVAE has losses and metrics of its own; leave {name} out.")


def refuse_other_keras(major: int | None) -> None:
    """Raises an InputError on the file of another Keras, whose layers have other configs and weights."""
    if major != int(keras.__version__[0]):
        raise InputError(
            f"a file of Keras {major or 'unknown'} came to Keras {keras.__version__}, but one reads only its own; "
            "load it there and write a SavedModel with model.export, which both read."
        )


def refuse_seed(seed: int) -> None:
    """Raises an InputError on a seed that does not have 32 bits."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed {seed} came, but one from 0 to 2 ** 32 - 1 was expected; choose another.")
