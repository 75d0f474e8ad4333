"""The three regimes (section 2.3 of the paper) as lists of phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["REGIMES", "Phase", "phases"]

REGIMES = ("supervised", "alternating", "two_step")


@dataclass(frozen=True)
class Phase:
    """One call of `fit`.

    Attributes:
        name: of the phase in the history.
        unlabelled: every step takes an ELBO step on pictures without labels.
        labelled: every step takes a vote step on labelled galaxies.
        steps: how many.
    """

    name: str
    unlabelled: bool
    labelled: bool
    steps: int


def phases(regime: str, vae_steps: int, vote_steps: int) -> list[Phase]:
    """What a regime does, in order.

    Args:
        regime: one of `REGIMES`.
        vae_steps: ELBO steps of alternating and of two_step's first phase.
        vote_steps: vote steps of supervised and of two_step's second phase.
    """
    votes = Phase("votes", unlabelled=False, labelled=True, steps=vote_steps)
    return {
        "supervised": [votes],
        "alternating": [Phase("alternating", unlabelled=True, labelled=True, steps=vae_steps)],
        "two_step": [Phase("vae", unlabelled=True, labelled=False, steps=vae_steps), votes],
    }[regime]


def compile_for(model: Any, regime: str, config: Any) -> None:
    """Compiles the model with one Adam for each objective, its rate decaying to 0 over the steps that it takes."""
    import keras

    plan = phases(regime, config.vae_steps, config.vote_steps)
    rates = {"unlabelled": config.vae_learning_rate, "labelled": config.vote_learning_rate}
    steps = {kind: sum(phase.steps for phase in plan if getattr(phase, kind)) for kind in rates}
    schedule = {kind: keras.optimizers.schedules.CosineDecay(rates[kind], max(steps[kind], 1)) for kind in rates}
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule["labelled"], weight_decay=config.weight_decay),
        vae_optimizer=keras.optimizers.Adam(schedule["unlabelled"]),
        kl_weight=config.kl_weight,
        kl_warmup_steps=config.kl_warmup_steps,
        freeze_encoder=config.freeze_encoder,
        jit_compile=False,
    )
