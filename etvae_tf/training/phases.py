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
    """

    name: str
    unlabelled: bool
    labelled: bool
    steps: int


def phases(regime: str, config: Any) -> list[Phase]:
    """What a regime does, in order.

    Args:
        regime: one of `REGIMES`.
        config: `config.train` of a run: vae_steps, vote_steps, alternating_steps.
    """
    vae = Phase("vae", unlabelled=True, labelled=False, steps=config.vae_steps)
    votes = Phase("votes", unlabelled=False, labelled=True, steps=config.vote_steps)
    alternating = Phase("alternating", unlabelled=True, labelled=True, steps=config.alternating_steps)
    return {"supervised": [votes], "alternating": [alternating], "two_step": [vae, votes]}[regime]


def compile_for(model: Any, regime: str, config: Any) -> None:
    """Compiles the model with one Adam for each objective, its rate decaying to 0 over the steps that it takes.

    In alternating the vote rate rises first: labels then find an encoder that the ELBO has shaped, not a blank one
    that they alone would fill.
    """
    plan = phases(regime, config)
    rates = {"unlabelled": config.vae_learning_rate, "labelled": config.vote_learning_rate}
    steps = {kind: sum(phase.steps for phase in plan if getattr(phase, kind)) for kind in rates}
    schedule = {kind: keras.optimizers.schedules.CosineDecay(rates[kind], max(steps[kind], 1)) for kind in rates}
    if regime == "alternating":
        warmup = int(config.vote_warmup_fraction * config.alternating_steps)
        schedule["labelled"] = keras.optimizers.schedules.CosineDecay(
            0.0, steps["labelled"] - warmup, warmup_target=rates["labelled"], warmup_steps=warmup
        )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule["labelled"], weight_decay=config.weight_decay),
        vae_optimizer=keras.optimizers.Adam(schedule["unlabelled"]),
        kl_weight=config.kl_weight,
        kl_warmup_steps=config.kl_warmup_steps,
        freeze_encoder=config.freeze_encoder,
    )
