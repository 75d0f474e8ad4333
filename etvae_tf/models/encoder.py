"""Encoder: pose, canonical view, convolutions, Gaussian posterior."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.geometry import disc_mask
from etvae_tf.layers import PictureConv2D, Pose, Transform
from etvae_tf.layers.precision import refuse_precision

__all__ = ["Encoder", "Posterior"]

_SMALLEST_SCALE = 1e-4  # keeps log scale finite; a latent this certain already costs 9 nats of KL


class Posterior(NamedTuple):
    """q(z | x) = N(loc, diag(scale^2)), with the view it was read from.

    Attributes:
        loc: float tensor (B, Z).
        scale: float tensor (B, Z), > 0.
        pose: float tensor (B, P), P = 0 without pose prediction.
        canonical: float tensor (B, H, W, C), the picture turned to its canonical view, inside the inscribed disc.
    """

    loc: tf.Tensor
    scale: tf.Tensor
    pose: tf.Tensor
    canonical: tf.Tensor


def _with_half_turns(pictures: tf.Tensor) -> tf.Tensor:
    """Pictures (B, H, W, C), and the same turned by pi: (2 B, H, W, C)."""
    return tf.concat([pictures, tf.reverse(pictures, [1, 2])], axis=0)


@keras.saving.register_keras_serializable("etvae_tf")
class Encoder(keras.layers.Layer):
    """Turns a picture to its canonical view and reads the posterior off it.

    Input (B, H, W, C) in [0, 1], H = W divisible by 2 ** len(filters); output `Posterior`.

    Args:
        latent_dim: Z.
        filters: of the convolutions; each halves the picture.
        pose: predicts the pose; None for a plain VAE without one.
        residual: which of the convolutions, the first being 0, are followed by a 3x3 convolution with a shortcut
            around it (He et al. 2016, arXiv:1512.03385), which adds nothing until it has learnt to.

    Raises:
        InputError: residual names no convolution of filters, or one twice.
    """

    def __init__(
        self,
        latent_dim: int,
        filters: tuple[int, ...],
        pose: Pose | None = None,
        residual: tuple[int, ...] = (),
        **kwargs,
    ):
        super().__init__(**kwargs)
        refuse_precision(self)
        self.latent_dim = latent_dim
        self.filters = tuple(filters)
        self.residual = tuple(residual)
        count = len(self.filters)
        if len({*self.residual} & {*range(count)}) != len(self.residual):
            raise InputError(
                f"residual={residual!r} came, but a tuple of different whole numbers from 0 to {count - 1} was "
                "expected: the convolutions of filters that a residual one follows."
            )
        self.pose = pose
        self.to_canonical = Transform(pose.group, inverse=True, sampler=pose.sampler) if pose else None
        active = {"activation": "relu", "kernel_initializer": "he_normal"}
        small = {"kernel_size": 3, "padding": "same", "data_format": "channels_last"}
        first, *others = self.filters
        self.convolutions = [PictureConv2D(first, name="convolution_0", **active)]
        for index, width in enumerate(others, 1):
            self.convolutions.append(
                keras.layers.Conv2D(width, strides=2, name=f"convolution_{index}", **small, **active)
            )
        self.residuals = [
            keras.layers.Conv2D(self.filters[index], kernel_initializer="zeros", name=f"residual_{index}", **small)
            for index in self.residual
        ]
        self.loc = keras.layers.Dense(latent_dim, name="loc")
        self.raw_scale = keras.layers.Dense(latent_dim, name="raw_scale")

    def build(self, input_shape: tuple) -> None:
        """Builds all parts for (B, H, W, C)."""
        if self.pose is not None and not self.pose.built:  # a deserialised pose comes built
            self.pose.build(input_shape)
        shape = tuple(input_shape)
        for index, layer in enumerate(self.convolutions):
            layer.build(shape)
            shape = tuple(layer.compute_output_shape(shape))
            for residual in self._residuals_after(index):
                residual.build(shape)
        features = shape[1] * shape[2] * shape[3]
        self.loc.build((None, features))
        self.raw_scale.build((None, features))
        self.built = True

    def _residuals_after(self, index: int) -> list[keras.layers.Layer]:
        return [layer for place, layer in zip(self.residual, self.residuals, strict=True) if place == index]

    def canonicalise(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Pose (B, P) and canonical view (B, H, W, C) of images (B, H, W, C)."""
        if self.pose is None:
            return tf.zeros([tf.shape(images)[0], 0]), images * disc_mask(images.shape[1], images.shape[2])
        pose = self.pose(images)
        return pose, self.to_canonical(images, pose)

    def call(self, images: tf.Tensor) -> Posterior:
        """Posterior of images (B, H, W, C)."""
        return self._read(*self.canonicalise(images))

    def mirrored_posteriors(self, images: tf.Tensor) -> list[Posterior]:
        """Posteriors of images (B, H, W, C), of them mirrored, and of both turned by pi.

        A turned picture's canonical view is the picture's, turned by pi, so that half of the poses need no computing.
        """
        pictures = tf.concat([images, tf.reverse(images, [2])], axis=0)
        if self.pose is None or self.pose.same_after_half_turn:
            pose, canonical = self.canonicalise(pictures)
            pose, canonical = tf.concat([pose, pose], axis=0), _with_half_turns(canonical)
        else:
            pose, canonical = self.canonicalise(_with_half_turns(pictures))
        parts = [tf.split(part, 4) for part in self._read(pose, canonical)]
        return [Posterior(*view) for view in zip(*parts, strict=True)]

    def _read(self, pose: tf.Tensor, canonical: tf.Tensor) -> Posterior:
        """Posterior of pictures with pose (B, P), from their canonical views (B, H, W, C)."""
        features = canonical
        for index, layer in enumerate(self.convolutions):
            features = layer(features)
            for residual in self._residuals_after(index):
                features = tf.nn.relu(features + residual(features))
        features = tf.reshape(features, [-1, self.loc.kernel.shape[0]])
        scale = tf.nn.softplus(self.raw_scale(features)) + _SMALLEST_SCALE
        return Posterior(self.loc(features), scale, pose, canonical)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        pose = self.pose and keras.saving.serialize_keras_object(self.pose)
        sizes = {"latent_dim": self.latent_dim, "filters": list(self.filters), "residual": list(self.residual)}
        return {**super().get_config(), **sizes, "pose": pose}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Encoder:
        """The inverse of `get_config`."""
        pose = config["pose"] and keras.saving.deserialize_keras_object(config["pose"])
        return cls(**{**config, "pose": pose})
