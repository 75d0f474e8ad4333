"""Plane geometry: where pixels are, how pictures are sampled, how a pose moves them.

Coordinates: origin in the middle of the picture, x to the right, y up, in pixels. Row 0 is the top. Angles are in
radians, counter-clockwise as displayed, from +x: rotating by pi / 2 equals `np.rot90`.
"""

from etvae_tf.geometry.angles import angle_difference, circular_mean, rotation
from etvae_tf.geometry.grids import disc_mask, log_polar_points, pixel_points, points_to_pixels, polar_points
from etvae_tf.geometry.groups import GROUPS, PoseGroup, RotationGroup, RotationScaleGroup
from etvae_tf.geometry.moments import angular_moments
from etvae_tf.geometry.sampling import SAMPLERS, bilinear_sample
from etvae_tf.geometry.transform import rotate, transform, warp

__all__ = [
    "GROUPS",
    "SAMPLERS",
    "PoseGroup",
    "RotationGroup",
    "RotationScaleGroup",
    "angle_difference",
    "angular_moments",
    "bilinear_sample",
    "circular_mean",
    "disc_mask",
    "log_polar_points",
    "pixel_points",
    "points_to_pixels",
    "polar_points",
    "rotate",
    "rotation",
    "transform",
    "warp",
]
