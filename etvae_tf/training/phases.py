"""The three regimes (section 2.3 of the paper) as lists of phases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras

__all__ = ["REGIMES", "Phase", "compile_for", "phases"]

REGIMES = ("supervised", "alternating", "two_step")


@dataclass(frozen=True)
class Phase:
    """One call of `fit`, and all about it.

    Attributes:
        name: of the phase in the history.
        unlabelled: every step takes an ELBO step on pictures without labels, which trains the decoder.
        labelled: every step takes a vote step on labelled galaxies.
        steps: how many.
        contrast: the ELBO step also tells views of galaxies from views of others; not beside votes, which say what
            views have in common, and whose batches are too small for it.
        measures: the ELBO step also asks the latent for the classical measures of each picture.
        upright: canonical views are made upright before every epoch; not where a decoder that is no longer trained
            has learnt them as they are.
        vae_rate: of train.vae_learning_rate, for the ELBO steps.
        warmup: the KL weight rises from 0 in the first ELBO steps; not after pre-training.
        fold: the part of the labels that it does not see, to be predicted at its end; None: it sees all.
        taught: it also learns from pictures of the pool, by the votes that the folds' models and a Gaussian process
            predict.
    """

    name: str
    unlabelled: bool
    labelled: bool
    steps: int
    contrast: bool = False
    measures: bool = False
    upright: bool = True
    vae_rate: float = 1.0
    warmup: bool = True
    fold: int | None = None
    taught: bool = False


def phases(regime: str, config: Any, n_labels: int, n_pictures: int) -> list[Phase]:
    """What a regime does, in order.

    `alternating` begins with the pre-training of `two_step` and keeps its ELBO steps beside the vote steps; with
    alternating_from_scratch it has both from the first step on, as in the paper. The phase that learns from labels is
    preceded by one for each fold of them, which begins from the same weights. Where there are teachers, it learns from
    what they say, too.

    Args:
        regime: one of `REGIMES`.
        config: `config.train` of a run.
        n_labels: labelled galaxies; the more, the more vote steps.
        n_pictures: of the pool; the more, the more steps of pre-training.
    """

    def whole_epochs(steps: float) -> int:
        return max(int(steps) // config.steps_per_epoch, 1) * config.steps_per_epoch

    vae_steps = whole_epochs(config.vae_steps + config.vae_steps_per_picture * n_pictures)
    vote_steps = whole_epochs(config.vote_steps + config.vote_steps_per_label * n_labels)
    measures = config.get("measure_weight", 0.0) > 0  # older runs lack it
    pretext = {"contrast": config.view_weight > 0, "measures": measures}
    vae = Phase("vae", unlabelled=True, labelled=False, steps=vae_steps, **pretext)
    votes = Phase("votes", unlabelled=False, labelled=True, steps=vote_steps)
    both = Phase("alternating", unlabelled=True, labelled=True, steps=vote_steps)
    plan = {
        "supervised": [votes],
        "alternating": [both]
        if config.alternating_from_scratch
        else [vae, replace(both, vae_rate=config.alternating_vae_rate, warmup=False)],
        "two_step": [vae, replace(votes, upright=False)],
    }[regime]
    if config.get("init"):  # older runs lack the field
        plan = [phase for phase in plan if phase.labelled]  # the starting model was pre-trained
    *before, last = plan
    learnt = n_labels * (config.folds - 1) / max(config.folds, 1)
    steps = whole_epochs(config.vote_steps + config.vote_steps_per_label * learnt)
    parts = [replace(last, name=f"{last.name}_fold_{fold}", steps=steps, fold=fold) for fold in range(config.folds)]
    if config.get("teaching_pictures"):
        last = replace(last, name="taught", steps=whole_epochs(config.teaching_steps), taught=True)
    return [*before, *parts, last]


def compile_for(model: Any, phase: Phase, config: Any) -> None:
    """Compiles the model for a phase: one Adam for each objective, its rate decaying to 0 over the phase's steps.

    Args:
        model: an `ETVAE`.
        phase: to come.
        config: `config.train` of the run.
    """
    decay = keras.optimizers.schedules.CosineDecay
    model.compile(
        optimizer=keras.optimizers.Adam(decay(config.vote_learning_rate, phase.steps)),
        vae_optimizer=keras.optimizers.Adam(decay(config.vae_learning_rate * phase.vae_rate, phase.steps)),
        kl_weight=config.kl_weight,
        kl_warmup_steps=config.kl_warmup_steps if phase.warmup else 0,
        view_weight=config.view_weight if phase.contrast else 0.0,
        measure_weight=config.measure_weight if phase.measures else 0.0,
        freeze_encoder=config.freeze_encoder,
    )
