"""Vote heads on the frozen posteriors of a VAE (M1 of Kingma et al. 2014): pictures are encoded once, not at each step.

A head learns in seconds what a network learns in minutes, so that a study can afford many of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.data import Galaxies, evaluation_batches
from etvae_tf.inference.information import information_of
from etvae_tf.models import VoteHead
from etvae_tf.training import load_model, phases

__all__ = ["FrozenLatents"]

_BATCH = 128  # galaxies encoded at once


class FrozenLatents:
    """Posteriors of galaxies and of their mirror images, and vote heads that learn from them.

    Args:
        vae: file of the VAE.
        galaxies: N of them.
    """

    def __init__(self, vae: Path, galaxies: Galaxies):
        encode = tf.function(load_model(vae).encoder.mirrored_posteriors, reduce_retracing=True)
        views = [encode(batch) for batch in evaluation_batches(galaxies.images, _BATCH)]
        self._loc = np.concatenate([np.stack([view.loc for view in one]) for one in views], axis=1)
        self._scale = np.concatenate([np.stack([view.scale for view in one]) for one in views], axis=1)
        self._place = {name: place for place, name in enumerate(galaxies.ids)}

    def learn(self, config: Any, labelled: Galaxies, answers: tuple[int, ...]) -> VoteHead:
        """A head that has learnt votes from draws of z, with the steps, batches and rate of a two_step run.

        Args:
            config: of a run.
            labelled: some of the galaxies.
            answers: how many each question has.
        """
        keras.utils.set_random_seed(config.seed)
        head = VoteHead(answers, config.model.classifier.units)
        steps = phases("two_step", config.train, len(labelled), 1)[-1].steps
        batch = config.train.labelled_batch
        generator = np.random.default_rng(config.seed)
        passes = -(-steps * batch // len(labelled))
        rows = np.concatenate([generator.permutation(len(labelled)) for _ in range(passes)])[: steps * batch]
        views, places = generator.integers(len(self._loc), size=len(rows)), self._places(labelled)[rows]
        noise = generator.standard_normal((len(rows), self._loc.shape[-1]), np.float32)
        latents = self._loc[views, places] + self._scale[views, places] * noise
        model = keras.Sequential([head])
        decay = keras.optimizers.schedules.CosineDecay(config.train.vote_learning_rate, steps)
        model.compile(
            keras.optimizers.Adam(decay), lambda votes, logits: tf.reduce_sum(head.nll(votes, logits), axis=-1)
        )
        model.fit(latents, labelled.votes[rows], batch_size=batch, epochs=1, shuffle=False, verbose=0)
        return head

    def predict(self, head: VoteHead, galaxies: Galaxies) -> np.ndarray:
        """Fractions (M, K) of some of the galaxies: means over the pictures and their mirror images."""
        return np.mean([head.fractions(head(loc)) for loc in self._loc[:, self._places(galaxies)]], axis=0)

    def information(self, head: VoteHead, galaxies: Galaxies) -> dict[str, np.ndarray]:
        """latent_mean (M, Z), entropy and mutual_information (M,), see `information_function`."""
        places = self._places(galaxies)
        views = zip(self._loc[:, places], self._scale[:, places], strict=True)
        found = information_of(head, [(tf.constant(loc), tf.constant(scale)) for loc, scale in views])
        return {"latent_mean": self._loc[0, places], **{name: values.numpy() for name, values in found.items()}}

    def _places(self, galaxies: Galaxies) -> np.ndarray:
        return np.array([self._place[name] for name in galaxies.ids], int)
