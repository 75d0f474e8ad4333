"""Whom a study scores: train galaxies outside the labels while anything is still chosen, test galaxies at the end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from etvae_tf.data import Survey, draw_labels
from etvae_tf.data.copies import are_copies
from etvae_tf.data.mapped import select
from etvae_tf.errors import InputError

__all__ = ["judged_by_train"]


def judged_by_train(survey: Survey, n_labels: int, seed: int) -> Survey:
    """A survey whose test galaxies are the train galaxies that no run of a seed learns from.

    They are those with votes outside the n labels, without copies of the labelled ones; the pool loses them and their
    copies. The survey's own test galaxies are left out altogether: nothing that is chosen by the result has seen them.

    Args:
        survey: all galaxies there are.
        n_labels: the study's largest n.
        seed: that draws the labels.

    Returns:
        The survey of one seed. Its fingerprints name its judges, its split marks them "judge", and the truth about
        galaxies of a simulation is left out.

    Raises:
        InputError: fewer train galaxies with votes than n_labels, or none beyond them.
    """
    learn = survey.learn
    set_aside = {"test galaxies": len(survey.test), "copies of test galaxies": survey.copies_left_out["train"]}
    set_aside["without a readable picture"] = survey.copies_left_out["without_picture"]
    drawn = draw_labels(learn.ids, learn.has_votes, n_labels, seed, set_aside)
    places = {name: place for place, name in enumerate(survey.pool_ids)}  # the pool holds every train galaxy's picture
    hashes = survey.pool_hashes[[places[name] for name in learn.ids]]
    others = np.setdiff1d(np.flatnonzero(learn.has_votes), drawn)
    others = others[~are_copies(hashes[others], hashes[drawn])]
    if not len(others):
        raise InputError(
            f"curve.judge=train scores train galaxies outside the largest n, but all {int(learn.has_votes.sum())} with "
            f"votes are among the {n_labels} labelled ones; lower curve.n_labels, or set --config.curve.judge=test."
        )
    judges = learn.select(others)
    kept = ~(np.isin(survey.pool_ids, judges.ids) | are_copies(survey.pool_hashes, hashes[others]))
    split = survey.split.assign(split=survey.split["split"].where(~survey.split["id"].isin(judges.ids), "judge"))
    return replace(
        survey,
        learn=learn.select(np.sort(drawn)),
        test=judges,
        pool_ids=survey.pool_ids[kept],
        pool=select(survey.pool, kept),
        pool_hashes=survey.pool_hashes[kept],
        split=split,
        fingerprints={**survey.fingerprints, "judge": f"train galaxies outside the {n_labels} labels of seed {seed}"},
        truth={},
    )
