"""One run from data to trained model: phases of `fit` that can be interrupted anywhere."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.data import GalaxyData, batches, fold_mask, to_float
from etvae_tf.files import write_atomically
from etvae_tf.measures import measure_centre
from etvae_tf.models import ETVAE, assign_weights, build_model
from etvae_tf.training.callbacks import RunState, Upright
from etvae_tf.training.folder import RunFolder
from etvae_tf.training.measured import pool_measures, standardised
from etvae_tf.training.monitors import phase_monitors
from etvae_tf.training.phases import Phase, compile_for, phases
from etvae_tf.training.start import read_start
from etvae_tf.training.teachers import predict_fold, taught_galaxies

__all__ = ["train", "training_set"]

_MEMBERS_APART = 1_000_003  # seeds between members of an ensemble, so that small seeds have others


def train(
    config: Any, data: GalaxyData, folder: RunFolder, shared_vae: Path | None = None
) -> tuple[ETVAE, dict[str, float]]:
    """Trains by `config.regime`, from the last checkpoint in `folder` if there is one.

    Args:
        config: of the whole run, valid.
        data: what it learns from.
        folder: of the run, claimed.
        shared_vae: file of a pre-trained VAE that runs with equal pre-training share; the first one writes it.

    Returns:
        The trained model, saved as `folder.model`, and the wall time of each phase in seconds (of this process). What
        pre-training ends with, the last model whose decoder fits its encoder, is saved as `folder.vae`.
    """
    keras.utils.set_random_seed(_seed(config))
    shape = (config.data.image_size, config.data.channels, data.questions.counts)
    model = build_model(config.model, *shape, _seed(config), _measures_asked(config, data))
    if config.train.init:
        start_from = read_start(config.train.init)
        assign_weights(model, start_from.weights, vote_head=start_from.answers == data.questions.answers)
    initial = model.get_weights()
    state = RunState(folder)
    first_phase = state.place()
    seconds = {}
    for index, phase in enumerate(phases(config.regime, config.train, config.n_labels, len(data.pool))):
        if index < first_phase:
            continue
        start = time.perf_counter()
        compile_for(model, phase, config.train)
        epoch = state.start(model, index, phase)
        if phase.labelled and config.train.folds and not epoch:
            model.set_weights(keras.saving.load_model(folder.vae).get_weights() if folder.vae.exists() else initial)
        if not phase.labelled and shared_vae and shared_vae.exists():
            model.set_weights(keras.saving.load_model(shared_vae).get_weights())
        else:
            _fit(model, phase, config, _seen(phase, config, data, folder), state, epoch)
        if phase.labelled:
            state.finish(model)
        if phase.fold is not None:
            predict_fold(model, phase.fold, config.train, data, folder)
        seconds[phase.name] = time.perf_counter() - start
        if not phase.labelled:  # labels will pull the encoder away from the decoder
            write_atomically(folder.vae, model.save)
            _share(folder, shared_vae)
    write_atomically(folder.model, model.save)
    folder.pool_measures.unlink(missing_ok=True)
    return model, seconds


def _share(folder: RunFolder, shared_vae: Path | None) -> None:
    """Keeps a run's pre-trained VAE, and the measures of its pool beside it, for runs with equal pre-training; or takes
    the measures that another one has left there."""
    if shared_vae is None:
        return
    for own, shared in ((folder.vae, shared_vae), (folder.pool_measures, shared_vae.with_suffix(".npy"))):
        for source, copy in ((own, shared), (shared, own)):
            if source.exists() and not copy.exists():
                write_atomically(copy, lambda path, source=source: shutil.copyfile(source, path))


def _seed(config: Any) -> int:
    """Of weights, batches and augmentation, in the range of NumPy's; labels are drawn by `config.seed` alone."""
    return (config.seed + _MEMBERS_APART * config.train.member) % 2**32


def _measures_asked(config: Any, data: GalaxyData) -> int:
    """How many measures pre-training asks of the latent."""
    asked = any(phase.measures for phase in phases(config.regime, config.train, config.n_labels, len(data.pool)))
    return measure_centre(data.pool[:1]).shape[1] if asked else 0


def _fit(model: ETVAE, phase: Phase, config: Any, data: GalaxyData, state: RunState, epoch: int) -> None:
    """Runs what is left of a phase."""
    steps = config.train.steps_per_epoch
    epochs = phase.steps // steps
    if epoch >= epochs:
        return
    interactive = sys.stdout.isatty()
    log_dir = state.folder.tensorboard / phase.name
    sky = data.pool if phase.unlabelled else data.train.images
    upright = [Upright(sky)] if phase.upright and model.encoder.pose is not None else []
    print(f"phase {phase.name}: {epochs} epochs of {steps} steps, from epoch {epoch + 1}", flush=True)
    measures = standardised(pool_measures(data.pool, state.folder)) if phase.measures else None
    model.fit(
        training_set(phase, config, data, epoch * steps, measures),
        epochs=epochs,
        initial_epoch=epoch,
        steps_per_epoch=steps,
        validation_data=_validation_set(phase, config, data),
        callbacks=[
            *phase_monitors(model, phase, data.validation.images, log_dir),
            state,
            *upright,
            keras.callbacks.TensorBoard(str(log_dir)),
        ],
        shuffle=False,  # the batches come in their seeded order
        verbose=1 if interactive else 2,
    )


def _seen(phase: Phase, config: Any, data: GalaxyData, folder: RunFolder) -> GalaxyData:
    """What a phase learns from: all labels, those outside its fold, or all and what the teachers say."""
    if phase.taught:
        return replace(data, train=taught_galaxies(config.train, data, folder))
    if phase.fold is None:
        return data
    return replace(data, train=data.train.select(~fold_mask(len(data.train), config.train.folds, phase.fold)))


def training_set(
    phase: Phase, config: Any, data: GalaxyData, first_step: int, measures: np.ndarray | None = None
) -> tf.data.Dataset:
    """Batches from `first_step` of a phase on: functions of (seed, step).

    Args:
        phase: says which of the pool and the labelled galaxies each step takes.
        config: of the whole run.
        data: what it learns from.
        first_step: of the phase.
        measures: of the pool, float32 (M, D), where the phase asks for them.

    Returns:
        Dataset of the dictionaries that `ETVAE.fit` takes.
    """
    augment = {
        "augment_flips": config.data.augment_flips,
        "augment_rotations": config.data.augment_rotations,
        "first_step": first_step,
        "steps": phase.steps - first_step,
    }
    outskirts = {"augment_outskirts": config.data.augment_outskirts}  # never of pictures that the decoder shall draw
    drawn: dict[str, Any] = {}
    if phase.unlabelled:
        size, seed = config.train.unlabelled_batch if phase.labelled else config.train.vae_batch, 2 * _seed(config)
        drawn["unlabelled"] = pictures = batches(data.pool, size, seed, **augment)
        views = pictures  # of which no one asks
        if phase.contrast:  # the same galaxies as another survey might show them
            moved = {**augment, **outskirts, "augment_rotations": True, "augment_jitter": 1.0}
            views = batches(data.pool, size, seed, view=1, **moved)
            drawn["unlabelled"] = tf.data.Dataset.zip((pictures, views))
        if phase.measures:
            drawn["unlabelled"] = tf.data.Dataset.zip((pictures, views, batches(measures, size, seed, **augment)))
    if phase.labelled:
        arrays = (data.train.images, data.train.votes)
        jitter = config.data.augment_jitter * min(1.0, config.data.augment_jitter_labels / config.n_labels) ** 0.5
        seed = 2 * _seed(config) + 1
        moved = {**augment, **outskirts, "augment_jitter": jitter}
        drawn["labelled"] = batches(arrays, config.train.labelled_batch, seed, **moved)
    return tf.data.Dataset.zip(drawn)


def _validation_set(phase: Phase, config: Any, data: GalaxyData) -> tf.data.Dataset | None:
    """All validation galaxies in one batch."""
    if not len(data.validation):
        return None
    images = to_float(data.validation.images)
    parts: dict[str, Any] = {}
    if phase.unlabelled:
        parts["unlabelled"] = images
    if phase.labelled:
        parts["labelled"] = (images, tf.constant(data.validation.votes))
    return tf.data.Dataset.from_tensors(parts)
