"""What Keras users bring to fit, evaluate and predict: checked where it arrives, refused in one sentence."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.errors import InputError

__all__ = ["CheckedModel", "asked_for", "batch_of", "pictures_of"]

_KINDS = ("unlabelled", "labelled")
_FORM = '{"unlabelled": images}, {"labelled": (images, votes)} or a dictionary of both'
_UNEQUAL = "unequal numbers of pictures and of their votes, views or measures came; give one row for each picture."
_OTHER_SHAPE = re.compile(r"(\[[\d,]*\]) is not compatible with expected shape (\[[\d,?]*\])")  # tf.ensure_shape's
_APART = ("y", "sample_weight", "class_weight")  # arguments of Keras's methods that an ETVAE has no use for


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of `keras.Model` that refuses targets and weights, and whose InputErrors stay one sentence.

    Keras, AutoGraph and TensorFlow wrap a sentence in what was called around it. Generators may yield what datasets do;
    Keras 3 asks them for tuples.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs) -> Any:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        if "x" in signature.parameters and given.get("x") is None:
            raise InputError(f"{method.__name__} got no data; give pictures to predict, otherwise {_FORM}.")
        for name in _APART:
            if given.get(name) is not None:
                raise InputError(f"{method.__name__} got {name}, but takes all data in one argument; give {_FORM}.")
        validation = given.get("validation_data")
        if isinstance(validation, tuple | list) and any(part is not None for part in validation[1:]):
            raise InputError(f"fit got validation_data of {len(validation)} parts, but expects one; give {_FORM}.")
        for name in ("x", "validation_data"):
            _check_arrays(given.get(name))
            if inspect.isgenerator(given.get(name)):
                given[name] = (item if isinstance(item, tuple) else (item,) for item in given[name])
        try:
            return method(*bound.args, **bound.kwargs)
        except Exception as error:
            refusal = _refusal(error)
            if refusal is None:
                raise
        raise refusal

    return wrapped


def _check_arrays(data: Any) -> None:
    """Raises an InputError on arrays that Keras refuses in words of its own; datasets and generators pass."""
    arrays = [leaf for leaf in tf.nest.flatten(data) if isinstance(leaf, np.ndarray)]
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise InputError(f"an array of type {array.dtype} came, but numbers were expected; convert it.")
    if len({array.shape[:1] for array in arrays}) > 1:
        raise InputError(_UNEQUAL)


def _refusal(error: BaseException | None) -> InputError | None:
    """The InputError that an error was raised for, also where TensorFlow found it out while running."""
    found = None
    while error is not None:
        if isinstance(error, InputError):
            found = error
        elif isinstance(error, tf.errors.InvalidArgumentError):
            if _UNEQUAL in error.message:
                found = InputError(_UNEQUAL)
            elif shapes := _OTHER_SHAPE.search(error.message):
                came, expected = (shape.replace("?", "B") for shape in shapes.groups())
                found = InputError(
                    f"data of shape {came} came, but {expected} was expected; give arrays of that shape."
                )
        error = error.__context__
    return found


class CheckedModel(keras.Model):
    """`keras.Model` whose methods take their data in one argument, and say in one sentence what is wrong with it."""

    fit = _guarded(keras.Model.fit)
    evaluate = _guarded(keras.Model.evaluate)
    predict = _guarded(keras.Model.predict)
    train_on_batch = _guarded(keras.Model.train_on_batch)
    test_on_batch = _guarded(keras.Model.test_on_batch)
    predict_on_batch = _guarded(keras.Model.predict_on_batch)
    __call__ = _guarded(keras.Model.__call__)


def batch_of(
    data: Any, image_shape: tuple[int, int, int], answers: int, measures: int
) -> dict[str, tuple[tf.Tensor | None, ...]]:
    """A training step's data, as floats.

    Args:
        data: what Keras hands to `train_step`: the user's dictionary, or a tuple that begins with it.
        image_shape: (H, W, C).
        answers: K.
        measures: D.

    Returns:
        "unlabelled": images (B, H, W, C), views (B, H, W, C) or None, and measures (B, D) or None; "labelled": images
        and votes (B, K); one or both, float32.

    Raises:
        InputError: data has another form.
    """
    if isinstance(data, tuple | list) and len(data) > 1 and any(part is not None for part in data[1:]):
        raise InputError(f"{len(data)} parts came, but each batch must be one dictionary; give {_FORM}.")
    batch = data[0] if isinstance(data, tuple | list) and data else data
    if not isinstance(batch, dict):
        raise InputError(f"{_described(batch)} came, but a dictionary was expected; give {_FORM}.")
    if not batch or not set(batch) <= set(_KINDS):
        raise InputError(f"a dictionary of {sorted(map(str, batch))} came, but other keys were expected; give {_FORM}.")
    checked = {}
    if "unlabelled" in batch:
        images, views, measured = _parts(batch["unlabelled"], "unlabelled", fewest=1, most=3)
        images = pictures_of(images, image_shape)
        views = None if views is None else _as_many(pictures_of(views, image_shape), images)
        if measured is not None:
            mend = "give each galaxy its measures, or build the model with measures= as many"
            measured = _as_many(_numbers(measured, measures, "measures", mend), images)
        checked["unlabelled"] = (images, views, measured)
    if "labelled" in batch:
        images, votes = _parts(batch["labelled"], "labelled", fewest=2, most=2)
        images = pictures_of(images, image_shape)
        mend = "give each galaxy one count for each answer, or build the model with these answers"
        checked["labelled"] = (images, _as_many(_numbers(votes, answers, "votes", mend), images))
    return checked


def asked_for(value: tf.Tensor | None, name: str) -> tf.Tensor:
    """Views or measures, which the loss asks for.

    Args:
        value: of the batch.
        name: "view" or "measure"; they count by the option NAME_weight of `compile`.

    Raises:
        InputError: there are none.
    """
    if value is None:
        form = "images, views" if name == "view" else "images, views, measures"
        raise InputError(
            f"images came without {name}s, but with {name}_weight > 0 these were expected; give "
            f'{{"unlabelled": ({form})}}, or compile with {name}_weight=0.'
        )
    return value


def pictures_of(images: Any, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Pictures (B, H, W, C) as float32.

    Raises:
        InputError: they are bytes or other whole numbers, or of another or an unknown shape.
    """
    height, width, channels = image_shape
    expected = f"floats (B, {height}, {width}, {channels}) in [0, 1]"
    if not hasattr(images, "dtype") or not hasattr(images, "shape"):
        raise InputError(f"{_described(images)} came, but {expected} were expected; give pictures alone, as one array.")
    shape, kind = tf.TensorShape(images.shape), tf.as_dtype(images.dtype)
    if shape.rank not in (4, None):
        mend = "a single picture is images[None], and grey ones have an axis of channels, images[..., None]"
    elif not shape.is_compatible_with([None, *image_shape]):
        mend = "resize or convert them, or build the model with their image_size and channels"
    elif not kind.is_floating:
        mend = "divide them by 255"
    else:
        return tf.ensure_shape(tf.cast(images, tf.float32), (None, *image_shape))
    raise InputError(f"{kind.name} pictures of shape {_written(shape)} came, but {expected} were expected; {mend}.")


def _numbers(values: Any, columns: int, name: str, mend: str) -> tf.Tensor:
    """Numbers (B, columns) as float32: NumPy's fractions are float64, counts are integers."""
    shape = tf.TensorShape(getattr(values, "shape", ()))
    if not shape.is_compatible_with([None, columns]):
        raise InputError(f"{name} of shape {_written(shape)} came, but (B, {columns}) was expected; {mend}.")
    return tf.ensure_shape(tf.cast(values, tf.float32), (None, columns))


def _parts(value: Any, kind: str, fewest: int, most: int) -> list[Any]:
    """Images and what stands beside them: `most` parts, None where one may be missing and is."""
    if not isinstance(value, tuple | list):
        if fewest > 1:
            raise InputError(f'{_described(value)} came as "{kind}", but images and votes were expected; give {_FORM}.')
        value = (value,)
    if not fewest <= len(value) <= most:
        expected = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise InputError(f'"{kind}" with {len(value)} parts came, but {expected} were expected; give {_FORM}.')
    return [*value, *[None] * (most - len(value))]


def _as_many(values: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """The values, one row for each picture: fewer would be broadcast in silence."""
    if not values.shape[:1].is_compatible_with(images.shape[:1]):
        raise InputError(_UNEQUAL)
    if None not in (values.shape[0], images.shape[0]):
        return values
    with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(values)[0], tf.shape(images)[0], _UNEQUAL)]):
        return tf.identity(values)


def _described(value: Any) -> str:
    """What came, in words."""
    if hasattr(value, "shape"):
        return f"an array of shape {_written(tf.TensorShape(value.shape))}"
    return f"a {type(value).__name__}"


def _written(shape: tf.TensorShape) -> str:
    return "unknown" if shape.rank is None else str(tuple(shape.as_list()))
