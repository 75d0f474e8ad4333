"""Every option of optimizers, compile, fit, evaluate and predict: it has its effect, or is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from galaxies import tiny_model
from tolerances import UPDATE_RTOL, XLA_ATOL

from etvae_tf import ETVAE
from etvae_tf.errors import InputError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 32, 32, 1)).astype(np.float32)
LABELLED = {"labelled": (IMAGES, RANDOM.integers(0, 20, (6, 3)))}
BATCH = {"unlabelled": IMAGES, **LABELLED}
KERAS_2 = keras.__version__.startswith("2.")
SGD, ADAM = keras.optimizers.SGD, keras.optimizers.Adam
RATE = 1e-4  # so small that plain gradient descent stays finite


def compiled(optimizer: object = None, vae_optimizer: object = None, **options: object) -> ETVAE:
    model = tiny_model(pose__group="none", filters=(4,))
    model.compile(optimizer or SGD(RATE), vae_optimizer or SGD(RATE), **{"run_eagerly": True, **options})
    return model


def flat(model: ETVAE) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(value)) for value in model.trainable_variables])


def update(steps: int = 1, **options: object) -> np.ndarray:
    """What steps on both objectives change, with options of both optimizers or of compile."""
    model = compiled(**options)
    before = flat(model)
    for _ in range(steps):
        model.train_step(BATCH)
    return flat(model) - before


def both(kind: type, **options: object) -> dict[str, object]:
    return {name: kind(**options) for name in ("optimizer", "vae_optimizer")}


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return update()


def norms(change: np.ndarray) -> float:
    return float(np.linalg.norm(change) / RATE)


DECAY = keras.optimizers.schedules.ExponentialDecay(2 * RATE, 1, 0.5)
# options of both optimizers -> whether the update is right, from it and the plain one
OPTIMIZER_WORKS: dict[str, tuple[dict[str, object], Callable[[np.ndarray, np.ndarray], bool]]] = {
    "global_clipnorm": ({"global_clipnorm": 0.5}, lambda new, old: norms(new) < 1 + 1e-3 < norms(old)),
    "clipnorm": ({"clipnorm": 1e-3}, lambda new, old: 0 < norms(new) < norms(old) / 10),
    "clipvalue": ({"clipvalue": 0.1}, lambda new, old: 0 < np.abs(new).max() < 2.2 * 0.1 * RATE),
    "weight_decay": ({"weight_decay": 0.1}, lambda new, old: 0 < np.abs(new - old).max() < 1),
    "learning-rate schedule": ({"learning_rate": DECAY}, lambda new, old: close(new, 2 * old, 0.1)),
    "momentum": ({"momentum": 0.9}, lambda new, old: close(new, old, UPDATE_RTOL)),
}
if not KERAS_2:  # Keras 2 has neither
    OPTIMIZER_WORKS |= {
        "loss_scale_factor": ({"loss_scale_factor": 1024.0}, lambda new, old: close(new, old, UPDATE_RTOL)),
        "gradient_accumulation_steps": ({"gradient_accumulation_steps": 2}, lambda new, old: not new.any()),
    }


def close(first: np.ndarray, second: np.ndarray, share: float) -> bool:
    return bool(np.abs(first - second).max() <= share * np.abs(second).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZER_WORKS)
def test_an_option_of_optimizers_has_its_effect(name: str, plain: np.ndarray) -> None:
    options, right = OPTIMIZER_WORKS[name]
    assert right(update(**both(SGD, **{"learning_rate": RATE, **options})), plain)


@pytest.mark.skipif(KERAS_2, reason="Keras 2 has no gradient accumulation")
def test_accumulated_gradients_move_the_weights_in_the_end() -> None:
    assert update(2, **both(SGD, learning_rate=RATE, gradient_accumulation_steps=2)).any()


@pytest.mark.parametrize("given", ["sgd", keras.optimizers.serialize(SGD(0.01))], ids=["name", "config"])
def test_optimizers_are_given_by_name_or_config(given: object) -> None:
    model = compiled(given, given)
    assert isinstance(model.optimizer, SGD) and isinstance(model.vae_optimizer, SGD)
    assert model.optimizer is not model.vae_optimizer


class ForeignOptimizer:
    """Not Keras's."""


SAME = ADAM()
REFUSED: dict[str, tuple[dict[str, object], str]] = {  # of compile
    "one optimizer for both": ({"optimizer": SAME, "vae_optimizer": SAME}, "make two"),
    "use_ema": ({"optimizer": ADAM(use_ema=True)}, "use_ema"),
    "use_ema of the VAE": ({"vae_optimizer": ADAM(use_ema=True)}, "vae_optimizer has use_ema"),
    "LossScaleOptimizer": ({"optimizer": keras.mixed_precision.LossScaleOptimizer(ADAM())}, "inner optimizer alone"),
    "misspelt optimizer": ({"optimizer": "adamm"}, "adamm.*try 'adam'"),
    "loss": ({"loss": "mse"}, "leave loss out"),
    "metrics": ({"metrics": ["accuracy"]}, "leave metrics out"),
    "weighted_metrics": ({"weighted_metrics": []}, "leave weighted_metrics out"),
    "loss_weights": ({"loss_weights": [1.0]}, "leave loss_weights out"),
    "auto_scale_loss": ({"auto_scale_loss": True}, "leave auto_scale_loss out"),
    "misspelt option": ({"kl_wieght": 2.0}, "leave kl_wieght out"),
}
if KERAS_2:
    REFUSED["legacy optimizer"] = ({"optimizer": keras.optimizers.legacy.SGD()}, "keras.optimizers was expected")


@pytest.mark.parametrize("name", REFUSED)
def test_an_option_of_compile_is_refused(name: str) -> None:
    options, sentence = REFUSED[name]
    with pytest.raises(InputError, match=sentence) as refused:
        compiled(**options)
    assert "\n" not in str(refused.value)


def fit(model: ETVAE | None = None, **options: object) -> tuple[ETVAE, dict[str, list[float]]]:
    model = model or compiled(freeze_encoder=True)  # a faster step
    history = model.fit(LABELLED, **{"verbose": 0, "shuffle": False, "batch_size": 3, **options}).history
    return model, history


def iterations(**options: object) -> int:
    return int(fit(**options)[0].optimizer.iterations)


def validations(**options: object) -> int:
    return len(fit(epochs=2, batch_size=6, validation_data=LABELLED, **options)[1]["val_vote_nll"])


def seen_by_callback() -> list[int]:
    seen: list[int] = []
    fit(epochs=2, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))])
    return seen


def batches_tested(**options: object) -> int:
    seen: list[int] = []
    callback = keras.callbacks.LambdaCallback()
    callback.on_test_batch_end = lambda batch, logs=None: seen.append(batch)
    compiled().evaluate(LABELLED, verbose=0, callbacks=[callback], **options)
    return len(seen)


def in_order(shuffle: bool) -> np.ndarray:
    keras.utils.set_random_seed(1)
    return flat(fit(shuffle=shuffle)[0])


FIT = {  # option -> (what it does, what is expected)
    "batch_size": (lambda: iterations(batch_size=2), 3),
    "epochs": (lambda: iterations(epochs=2), 4),
    "initial_epoch": (lambda: iterations(epochs=3, initial_epoch=2), 2),
    "steps_per_epoch": (lambda: iterations(steps_per_epoch=1), 1),
    "shuffle": (lambda: bool((in_order(True) != in_order(False)).any()), True),
    "callbacks": (seen_by_callback, [0, 1]),
    "verbose": (lambda: iterations(verbose=2), 2),
    "validation_split": (lambda: iterations(validation_split=0.5), 1),
    "validation_data": (validations, 2),
    "validation_freq": (lambda: validations(validation_freq=2), 1),
    "validation_batch_size": (lambda: validations(validation_batch_size=2), 2),
    "validation_steps": (lambda: validations(validation_batch_size=3, validation_steps=1), 2),
    "evaluate: batch_size": (lambda: batches_tested(batch_size=2), 3),
    "evaluate: return_dict": (lambda: "vote_mse" in compiled().evaluate(LABELLED, verbose=0, return_dict=True), True),
    "evaluate: steps": (lambda: batches_tested(batch_size=2, steps=1), 1),
    "predict: batch_size": (lambda: compiled().predict(IMAGES, batch_size=4, verbose=0)["pose"].shape, (6, 0)),
    "predict: steps": (lambda: compiled().predict(IMAGES, 2, steps=2, verbose=0)["latent_mean"].shape, (4, 4)),
}
if KERAS_2:  # Keras 3 has them no more
    for option, value in {"workers": 2, "use_multiprocessing": False, "max_queue_size": 3}.items():
        FIT[option] = (lambda option=option, value=value: iterations(**{option: value}), 2)


@pytest.mark.slow
@pytest.mark.parametrize("option", FIT)
def test_an_option_of_fit_evaluate_or_predict_has_its_effect(option: str, capsys: pytest.CaptureFixture) -> None:
    action, expected = FIT[option]
    assert action() == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"run_eagerly": False},
        {"run_eagerly": False, "steps_per_execution": 2},
        {"run_eagerly": False, "jit_compile": True},
    ],
    ids=["run_eagerly", "steps_per_execution", "jit_compile"],
)
def test_ways_to_execute_lead_to_the_same_weights(options: dict[str, object]) -> None:
    model, start = compiled(**options, kl_weight=0.5), flat(compiled())
    assert model.run_eagerly is False
    fit(model)
    assert int(model.optimizer.iterations) == 2
    if not options.get("jit_compile"):  # XLA draws other random numbers
        np.testing.assert_allclose(flat(model), flat(fit(compiled())[0]), atol=XLA_ATOL)
    assert (flat(model) != start).any() and np.isfinite(flat(model)).all()


@pytest.mark.parametrize("option", [{"run_eagerly": True}, {"steps_per_execution": 3}, {"jit_compile": True}], ids=str)
def test_ways_to_execute_are_kept_in_the_config(option: dict[str, object]) -> None:
    model, twin = compiled(**{"run_eagerly": False, **option}), tiny_model(pose__group="none", filters=(4,))
    twin.compile_from_config(model.get_compile_config())
    assert twin.get_compile_config() == model.get_compile_config()
    assert {name: twin.get_compile_config()[name] for name in option} == option
    assert twin.run_eagerly == option.get("run_eagerly", False)
