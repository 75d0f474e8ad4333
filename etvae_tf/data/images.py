"""Pictures: how one becomes bytes of fixed size.

`preprocess` is the only way from an encoded picture to pixels: training, prediction and the exported graph
share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from etvae_tf.data.sources import ImageSource, open_images
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError
from etvae_tf.progress import Progress

__all__ = ["ImageSource", "check_sizes", "load_images", "open_images", "preprocess", "read_images", "to_float"]

CHUNK = 256  # pictures a Python call reads: far fewer calls than pictures, little memory
PROGRESS_FROM = 2000  # pictures, about a second of work


def preprocess(encoded: tf.Tensor, image_size: int, channels: int, crop_fraction: float = 1.0) -> tf.Tensor:
    """Decodes a picture, cuts out its central square and resizes that.

    Core TensorFlow ops only, so it can be exported with a model.

    Args:
        encoded: string tensor (), a JPEG or PNG file of any size, grey or colour.
        image_size: H = W of the result, in pixels.
        channels: 3 for RGB, 1 for its luminance (ITU-R BT.601).
        crop_fraction: side of the central square over the shorter side of the picture, in (0, 1].

    Returns:
        uint8 tensor (H, W, C).

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no picture.
    """
    picture = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    height, width = tf.shape(picture)[0], tf.shape(picture)[1]
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(1, tf.cast(tf.round(crop_fraction * shorter), tf.int32))
    top, left = (height - side) // 2, (width - side) // 2
    square = tf.cast(picture[top : top + side, left : left + side], tf.float32)
    # Antialiased: a plain bilinear kernel would skip pixels when shrinking and alias the arms away.
    resized = tf.image.resize(square, (image_size, image_size), antialias=True)
    if channels == 1:  # of the few pixels that are left: luminance and resizing are linear, so their order is free
        resized = tf.image.rgb_to_grayscale(resized)
    return tf.saturate_cast(tf.round(tf.ensure_shape(resized, (image_size, image_size, channels))), tf.uint8)


def to_float(pictures: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Bytes to what models take: uint8 (..., H, W, C) to float32 in [0, 1]."""
    return tf.cast(pictures, tf.float32) / 255.0


def load_images(
    source: ImageSource, names: Sequence[str], image_size: int, channels: int, crop_fraction: float = 1.0
) -> np.ndarray:
    """Decodes pictures in parallel; tells how far it is when there are many.

    Args:
        source: where the pictures lie.
        names: N names.
        image_size: H = W, in pixels, at least 8.
        channels: 1 or 3.
        crop_fraction: central part kept before resizing, in (0, 1].

    Returns:
        uint8 array (N, H, W, C), in the order of `names`.

    Raises:
        InputError: a picture is missing or cannot be decoded, or the sizes are impossible.
    """
    missing = [name for name in names if name not in source]
    if missing:
        raise InputError(
            f"{source.path} lacks the pictures of {len(missing)} of {len(names)} galaxies "
            f"({first_few(missing)}); add them as ID.jpg or ID.png, or take the galaxies out of the table."
        )
    pictures, readable = read_images(source, names, image_size, channels, crop_fraction)
    if not readable.all():
        broken = [name for name, good in zip(names, readable, strict=True) if not good]
        raise InputError(
            f"{source.path} has {len(broken)} pictures that cannot be decoded ({first_few(broken)}: "
            f"{source.why_unreadable(broken[0])}); replace them by whole files, or remove them."
        )
    return pictures


def read_images(
    source: ImageSource,
    names: Sequence[str],
    image_size: int,
    channels: int,
    crop_fraction: float = 1.0,
    pictures: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """As `load_images`, but for pictures that are missing or cannot be decoded; into `pictures` where it is given.

    Returns:
        uint8 array (N, H, W, C), and bool array (N,): which of its pictures could be read; the others are black.

    Raises:
        InputError: the sizes are impossible.
    """
    check_sizes(image_size, channels, crop_fraction)
    if pictures is None:
        pictures = np.zeros((len(names), image_size, image_size, channels), np.uint8)
    readable = np.zeros(len(names), bool)
    there = np.flatnonzero([name in source for name in names])
    bar = Progress(len(there), "picture") if len(there) > PROGRESS_FROM else None
    for positions, batch in _decode(source, [names[row] for row in there], image_size, channels, crop_fraction):
        pictures[there[positions]], readable[there[positions]] = batch, True
        if bar:
            bar.add(len(positions))
    return pictures, readable


def _decode(
    source: ImageSource, names: Sequence[str], image_size: int, channels: int, crop_fraction: float
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """(positions, pictures) in chunks; pictures that cannot be decoded are left out."""

    def read_chunk(positions: np.ndarray) -> np.ndarray:
        return np.array([source.read(names[position]) for position in positions], object)

    def read(positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded = tf.numpy_function(read_chunk, [positions], tf.string)
        return positions, tf.ensure_shape(encoded, [None])

    def decode(position: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return position, preprocess(encoded, image_size, channels, crop_fraction)

    chunks = tf.data.Dataset.range(len(names)).batch(CHUNK).map(read).prefetch(2)
    decoded = chunks.unbatch().map(decode, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors(log_warning=False)
    return decoded.batch(CHUNK).prefetch(2).as_numpy_iterator()


def check_sizes(image_size: int, channels: int, crop_fraction: float) -> None:
    """Refuses what no picture can be made to.

    Raises:
        InputError: the sizes are impossible.
    """
    if image_size < 8:
        raise InputError(f"image_size={image_size}, expected at least 8 pixels; 64 is usual.")
    if channels not in (1, 3):
        raise InputError(f"channels={channels}, expected 1 (grey) or 3 (colour).")
    if not 0 < crop_fraction <= 1:
        raise InputError(f"crop_fraction={crop_fraction}, expected a number in (0, 1]; 1 keeps the whole picture.")
