"""Random changes of pictures that leave their votes as they are: mirroring, turning, zoom, exposure and outskirts."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from etvae_tf.geometry import pixel_points, rotation, warp

__all__ = ["DRAWS", "augment", "flip"]

DRAWS = 8  # numbers per picture: angle, zoom, two shifts, brightness, up to three colours
# Largest log zoom, shift over height, log brightness of the picture and of each channel beside it; sigma of the noise.
# That much of distance, exposure and colour says little of morphology; blur would hide arms, so there is none.
_ZOOM, _SHIFT, _BRIGHTNESS, _COLOUR, _NOISE = 0.4, 0.03, 0.4, 0.2, 0.02
# Where outskirts may begin, over the height, and how far they fade in: in Galaxy Zoo's cutouts the galaxy ends there.
_INNERMOST, _OUTERMOST, _FADE = 0.28, 0.45, 0.06


def flip(pictures: np.ndarray, flips: np.ndarray) -> np.ndarray:
    """Mirrors pictures in place.

    In NumPy, while they are bytes: a broadcast `tf.where` took 20 times as long as all else.

    Args:
        pictures: uint8 array (B, H, W, C).
        flips: bool array (B, 2): left-right, up-down.

    Returns:
        `pictures`.
    """
    pictures[flips[:, 0]] = pictures[flips[:, 0]][:, :, ::-1]
    pictures[flips[:, 1]] = pictures[flips[:, 1]][:, ::-1]
    return pictures


def augment(
    images: tf.Tensor,
    draws: tf.Tensor,
    seed: tf.Tensor,
    *,
    rotations: bool = False,
    jitter: float = 0.0,
    outskirts: float = 0.0,
) -> tf.Tensor:
    """Turns, jitters and exchanges outskirts, as `batches` describes.

    Args:
        images: float tensor (B, H, W, C) in [0, 1].
        draws: float tensor (B, DRAWS) in [0, 1).
        seed: int64 tensor (2,), of the batch: the second number is below 2^48.
        rotations: turn each picture by an angle uniform in [0, 2 pi).
        jitter: how much of zoom, shift, exposure and noise, 1 for all, 0 for nothing.
        outskirts: probability of the next picture's outskirts.

    Returns:
        float tensor (B, H, W, C) in [0, 1].
    """
    if rotations:
        images = _turn(images, draws, jitter)
    elif jitter:
        images = _magnify(images, draws, jitter)
    if jitter:
        images = _expose(images, draws[:, 4:], jitter, seed)
    if outskirts:
        images = _exchange_outskirts(images, outskirts, seed + [0, 1 << 48])
    return images


def _turn(images: tf.Tensor, draws: tf.Tensor, jitter: float) -> tf.Tensor:
    """Turns, magnifies and shifts by the first four of `draws` (B, 8) in [0, 1), sampling once."""
    magnification, shift = _zoom(draws, jitter, images.shape[1])
    affine = rotation(-2 * np.pi * draws[:, 0])
    return warp(images, tf.concat([affine[:, :, :2] / magnification[:, None], -shift[..., None]], axis=2))


def _magnify(images: tf.Tensor, draws: tf.Tensor, jitter: float) -> tf.Tensor:
    """`_turn` by no angle, within rounding: first along columns, then along rows, which takes half the time."""
    magnification, shift = _zoom(draws, jitter, images.shape[1])
    for along in (shift[:, 1:], -shift[:, :1]):
        length, other, channels = images.shape[1:]
        middle = (length - 1) / 2
        places = np.arange(length, dtype=np.float32)
        sources = tf.clip_by_value((places - middle) / magnification + along + middle, 0.0, length - 1.0)
        weights = tf.nn.relu(1.0 - tf.abs(sources[:, :, None] - places))  # (B, to, from), linear between neighbours
        moved = tf.matmul(weights, tf.reshape(images, [-1, length, other * channels]))
        images = tf.transpose(tf.reshape(moved, [-1, length, other, channels]), [0, 2, 1, 3])
    return images


def _zoom(draws: tf.Tensor, jitter: float, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Magnifications (B, 1), and shifts (B, 2) to the right and up in pixels, by the second to fourth of `draws`."""
    signed = 2.0 * draws - 1.0
    return tf.exp(jitter * _ZOOM * signed[:, 1:2]), jitter * _SHIFT * size * signed[:, 2:4]


def _expose(images: tf.Tensor, draws: tf.Tensor, jitter: float, seed: tf.Tensor) -> tf.Tensor:
    """Brightens or dims by `draws` (B, 4) in [0, 1), all channels and each, and adds noise."""
    signed = 2.0 * draws - 1.0
    gain = tf.exp(jitter * (_BRIGHTNESS * signed[:, :1] + _COLOUR * signed[:, 1 : 1 + images.shape[-1]]))
    amplitude = jitter * _NOISE * 3**0.5  # a uniform number's standard deviation is 1 / sqrt(3) of it
    noise = tf.random.stateless_uniform(tf.shape(images), seed, -amplitude, amplitude)  # a normal one takes longer
    return tf.clip_by_value(images * gain[:, None, None, :] + noise, 0.0, 1.0)


def _exchange_outskirts(images: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Gives each picture, with that probability, the next one's sky and companions beyond a random radius."""
    count, height, width = images.shape[:3]
    draws = tf.random.stateless_uniform((count, 2, 1, 1, 1), seed)
    begin = _INNERMOST + (_OUTERMOST - _INNERMOST) * draws[:, 0]
    radius = np.linalg.norm(pixel_points(height, width), axis=-1).reshape(height, width, 1) / height
    share = tf.clip_by_value((radius - begin) / _FADE + 0.5, 0.0, 1.0) * tf.cast(draws[:, 1] < probability, tf.float32)
    return images + share * (tf.roll(images, 1, axis=0) - images)
