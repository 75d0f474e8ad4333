"""Keras layers of the Equivariant Transformer, the posterior and pictures; each is registered under "etvae_tf"."""

from etvae_tf.layers.cyclic import CyclicConv2D
from etvae_tf.layers.pose import Pose, RotationPose
from etvae_tf.layers.posterior import PosteriorSampling
from etvae_tf.layers.resampling import CanonicalResampling
from etvae_tf.layers.strided import PictureConv2D, PictureConv2DTranspose
from etvae_tf.layers.transform import Rotation, Transform

__all__ = [
    "CanonicalResampling",
    "CyclicConv2D",
    "PictureConv2D",
    "PictureConv2DTranspose",
    "Pose",
    "PosteriorSampling",
    "Rotation",
    "RotationPose",
    "Transform",
]
