"""From a model config to a built model, and back."""

from __future__ import annotations

from typing import Any

from etvae_tf.geometry import GROUPS
from etvae_tf.layers import Pose
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder
from etvae_tf.models.etvae import ETVAE
from etvae_tf.models.vote_head import VoteHead

__all__ = ["BUILD_FIELDS", "build_model", "config_of"]

_POSE = ("filters", "angles", "radii", "blur")
BUILD_FIELDS = (  # of a run's config that a model is built with; not the sampler, which changes no weight
    "data.image_size",
    "data.channels",
    "model.latent_dim",
    "model.filters",
    "model.residual",
    "model.pixel_likelihood",
    "model.classifier.units",
    "model.pose.group",
    "model.pose.order",
    *(f"model.pose.{name}" for name in _POSE),
)


def build_model(
    config: Any, image_size: int, channels: int, answers: tuple[int, ...], seed: int = 0, measures: int = 0
) -> ETVAE:
    """Builds an ETVAE, with weights drawn by Keras's seeded initialisers.

    Args:
        config: `config.model` of a run: latent_dim, filters, residual, pose (group, order, filters, angles, radii,
            blur), sampler, classifier (units), pixel_likelihood.
        image_size: H = W, in pixels; divisible by 2 ** len(filters).
        channels: C.
        answers: how many each question has: (3,) for one question with three.
        seed: of the random numbers of training.
        measures: how many measures pre-training may ask of the latent.

    Returns:
        A built, uncompiled model.
    """
    model = ETVAE(
        Encoder(config.latent_dim, tuple(config.filters), _pose(config), tuple(config.residual), name="encoder"),
        Decoder(image_size, channels, tuple(config.filters)[::-1], name="decoder"),
        VoteHead(answers, config.classifier.units, name="vote_head"),
        config.pixel_likelihood,
        seed,
        measures,
        name="etvae",
    )
    model.build((None, image_size, image_size, channels))
    return model


def config_of(model: ETVAE) -> dict[str, Any]:
    """The `BUILD_FIELDS` of such a model; without a pose, those of the pose are left out but for its group."""
    pose = model.encoder.pose
    size, _, channels = model.image_shape
    encoder = model.encoder
    values = [size, channels, encoder.latent_dim, encoder.filters, encoder.residual, model.pixel_likelihood]
    values += [model.vote_head.units]
    if pose is None:
        values += ["none"]
    else:
        group = next(name for name, kind in GROUPS.items() if type(pose.group) is kind)
        values += [group, pose.group.order, *(getattr(pose, name) for name in _POSE)]
    return dict(zip(BUILD_FIELDS, values, strict=pose is not None))


def _pose(config: Any) -> Pose | None:
    if config.pose.group == "none":
        return None
    group = GROUPS[config.pose.group](config.pose.order)
    grid = (config.pose.angles, config.pose.radii, config.pose.blur)
    return Pose(group, tuple(config.pose.filters), *grid, config.sampler, name="pose")
