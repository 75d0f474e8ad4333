"""Galaxies as a page shows them: pictures, votes, predicted fractions and their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from etvae_tf.data import Galaxies, to_float
from etvae_tf.evaluation import concentrations_of, vote_intervals
from etvae_tf.report.page import picture_uri
from etvae_tf.report.sample import Sample
from etvae_tf.training import FinishedRun

__all__ = ["galaxy_cards"]

_LEVEL = 0.9  # of the intervals, as of those that concentrations are fitted to


def galaxy_cards(sample: Sample, run: FinishedRun, which: np.ndarray) -> list[dict[str, Any]]:
    """What a page shows of some galaxies.

    Args:
        sample: all galaxies.
        run: that was scored on them.
        which: positions (M,) of those to show.

    Returns:
        M dictionaries: id; pictures, title and data URI of input and, of a network, canonical view and, where a decoder
        was trained, reconstruction; votes, how many on the question that has most; answers, each a dictionary of name,
        question, voted (NaN: not asked), predicted, low and high, the ends of the 90 % interval of the voted fraction
        (None without error bars); farthest, the one of them whose prediction is farthest from the vote (None: nobody
        was asked).
    """
    galaxies = sample.galaxies.select(which)
    columns = _pictures(sample, galaxies)
    predicted = sample.predictions["vote_fractions"][which].astype(np.float64)
    voted = run.questions.fractions(galaxies.votes)
    ends = _intervals(run, galaxies.votes, predicted)
    questions = [one.name for one in run.questions.each for _ in one.answers]
    cards = []
    for row, name in enumerate(galaxies.ids):
        answers = [
            {
                "name": answer.replace("_", " "),
                "question": questions[column],
                "voted": float(voted[row, column]),
                "predicted": float(predicted[row, column]),
                "low": _known(ends, 0, row, column),
                "high": _known(ends, 1, row, column),
            }
            for column, answer in enumerate(run.questions.answers)
        ]
        asked = [answer for answer in answers if np.isfinite(answer["voted"])]
        card = {
            "id": str(name),
            "pictures": [(title, picture_uri(pictures[row])) for title, pictures in columns.items()],
            "votes": float(max(galaxies.votes[row, place].sum() for place in run.questions.slices.values())),
            "answers": answers,
            "farthest": max(
                asked, key=lambda answer: round(abs(answer["predicted"] - answer["voted"]), 6), default=None
            ),
        }
        cards.append(card)
    return cards


def _pictures(sample: Sample, galaxies: Galaxies) -> dict[str, np.ndarray]:
    """Title -> pictures (M, H, W, C) in [0, 1]."""
    images = to_float(galaxies.images)
    columns = {"input": images.numpy()}
    if sample.model is not None:
        posterior, reconstructions = (sample.autoencoder or sample.model).reconstruct(images)
        columns["canonical"] = posterior.canonical.numpy()
    if sample.autoencoder is not None:
        columns["reconstruction"] = reconstructions.numpy()
    return columns


def _known(ends: np.ndarray | None, *place: int) -> float | None:
    """An end of an interval; None for a question without error bars."""
    return None if ends is None or np.isnan(ends[place]) else float(ends[place])


def _intervals(run: FinishedRun, votes: np.ndarray, predicted: np.ndarray) -> np.ndarray | None:
    """Ends (2, M, K) of the 90 % intervals of the voted fractions among as many votes as were cast."""
    if "even_concentrations" not in run.metrics:
        return None
    parts = []
    for place, even in zip(run.questions.slices.values(), run.even_concentrations, strict=True):
        own, total = predicted[:, place], votes[:, place].sum(axis=1, keepdims=True)
        parts.append(vote_intervals(own, concentrations_of(own, even), total, _LEVEL))
    return np.concatenate(parts, axis=2)
