"""The three regimes (section 2.3 of the paper) as lists of phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

__all__ = ["REGIMES", "Phase", "compile_for", "phases"]

REGIMES = ("supervised", "alternating", "two_step")


@dataclass(frozen=True)
class Phase:
    """One call of `fit`.

    Attributes:
        name: of the phase in the history.
        unlabelled: every step takes an ELBO step on pictures without labels.
        labelled: every step takes a vote step on labelled galaxies.
        steps: how many.
        contrast: the ELBO step also tells views of galaxies from views of others; not beside votes, which say what
            views have in common, and whose batches are too small for it.
    """

    name: str
    unlabelled: bool
    labelled: bool
    steps: int
    contrast: bool = False


def phases(regime: str, config: Any, n_labels: int, n_pictures: int) -> list[Phase]:
    """What a regime does, in order.

    `alternating` begins with the pre-training of `two_step` and keeps its ELBO steps beside the vote steps; with
    alternating_from_scratch it has both from the first step on, as in the paper.

    Args:
        regime: one of `REGIMES`.
        config: `config.train` of a run.
        n_labels: labelled galaxies; the more, the more vote steps.
        n_pictures: of the pool; the more, the more steps of pre-training.
    """
    pretrained = regime == "two_step" or (regime == "alternating" and not config.alternating_from_scratch)

    def whole_epochs(steps: float) -> int:
        return max(int(steps) // config.steps_per_epoch, 1) * config.steps_per_epoch

    vae_steps = whole_epochs(config.vae_steps + config.vae_steps_per_picture * n_pictures)
    vote_steps = whole_epochs(config.vote_steps + config.vote_steps_per_label * n_labels)
    vae = Phase("vae", unlabelled=True, labelled=False, steps=vae_steps, contrast=config.view_weight > 0)
    votes = Phase("votes", unlabelled=False, labelled=True, steps=vote_steps)
    alternating = Phase("alternating", unlabelled=True, labelled=True, steps=vote_steps)
    return {
        "supervised": [votes],
        "alternating": [vae, alternating] if pretrained else [alternating],
        "two_step": [vae, votes],
    }[regime]


def compile_for(model: Any, phase: Phase, config: Any) -> None:
    """Compiles the model for a phase: one Adam for each objective, its rate decaying to 0 over the phase's steps."""
    decay = keras.optimizers.schedules.CosineDecay
    pretrained = phase.labelled and phase.unlabelled and not config.alternating_from_scratch
    model.compile(
        optimizer=keras.optimizers.Adam(
            decay(config.vote_learning_rate, phase.steps),
            weight_decay=config.weight_decay or None,  # a decay of 0 would read and write every weight for nothing
        ),
        vae_optimizer=keras.optimizers.Adam(
            decay(config.vae_learning_rate * (config.alternating_vae_rate if pretrained else 1.0), phase.steps)
        ),
        kl_weight=config.kl_weight,
        kl_warmup_steps=0 if pretrained else config.kl_warmup_steps,
        view_weight=config.view_weight if phase.contrast else 0.0,
        freeze_encoder=config.freeze_encoder,
    )
