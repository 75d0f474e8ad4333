"""The galaxies that a run was scored on, with their pictures, and what its model makes of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import Galaxies, load_images, open_labelled, synthesise
from etvae_tf.errors import InputError
from etvae_tf.evaluation import predict_galaxies
from etvae_tf.models import ETVAE
from etvae_tf.training import FinishedRun, load_autoencoder, load_model

__all__ = ["Sample", "sample_of_run"]

_SAME = 1e-3  # fractions; a file of predictions and another stack differ by less, other pictures by more


class Sample(NamedTuple):
    """What the pictures of a page are drawn from.

    Attributes:
        galaxies: N of them, in the order of predictions.csv.
        predictions: of the model, arrays with N rows.
        model: of the run; None where it kept none, as arms of a study without a network do.
        autoencoder: what draws reconstructions, None where no decoder was trained.
    """

    galaxies: Galaxies
    predictions: dict[str, np.ndarray]
    model: ETVAE | None
    autoencoder: ETVAE | None


def sample_of_run(run: FinishedRun) -> Sample:
    """Loads the pictures that a finished run was scored on, and predicts them again where it kept a model.

    Raises:
        InputError: the data are gone or are others than those that the run was scored on.
    """
    table = pd.read_csv(run.folder.predictions, dtype={"id": str})
    galaxies = _galaxies(run.config, table["id"].to_numpy(str))
    voted = run.questions.fractions(galaxies.votes)
    _check(run, "votes", voted, table.filter(regex="_voted$").to_numpy())
    written = table.filter(regex="_predicted$").to_numpy()
    if not run.folder.model.exists():
        return Sample(galaxies, {"vote_fractions": written}, None, None)
    model = load_model(run.folder.model)
    predictions = predict_galaxies(model, galaxies.images)
    _check(run, "predictions", predictions["vote_fractions"], written)
    return Sample(galaxies, predictions, model, load_autoencoder(run.config, run.folder, model))


def _check(run: FinishedRun, what: str, found: np.ndarray, written: np.ndarray) -> None:
    """Refuses fractions (N, K) that are not those that the run wrote."""
    if not np.allclose(found, written, atol=_SAME, equal_nan=True):
        raise InputError(
            f"the data that {run.folder.config} names are not those that the run was scored on, since their {what} "
            f"differ from {run.folder.predictions.name}; restore them."
        )


def _galaxies(config: ConfigDict, ids: np.ndarray) -> Galaxies:
    """Galaxies of a run's data by their ids, whichever part of the split they are in."""
    data = config.data
    if not data.table:
        numbers = np.array([int(name.rsplit("-", 1)[1]) for name in ids])
        first = int(numbers.min())
        shape = {"seed": data.synthetic_seed, "image_size": data.image_size, "channels": data.channels}
        sky = synthesise(int(numbers.max()) - first + 1, start=first, **shape)
        return Galaxies(sky.ids, sky.images, sky.votes).select(numbers - first)
    source, catalogue = open_labelled(config)
    places = pd.Index(catalogue.ids).get_indexer(ids)
    if (places < 0).any():
        raise InputError(f"{data.table} lacks {int((places < 0).sum())} of the {len(ids)} galaxies that were scored.")
    images = load_images(source, ids, data.image_size, data.channels, data.crop_fraction)
    return Galaxies(ids, images, catalogue.votes[places])
