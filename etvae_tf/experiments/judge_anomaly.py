"""How well faults are found that were planted into whole pictures, by each score and by a plain baseline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from etvae_tf.data import draw_pool, to_float
from etvae_tf.data.images import read_images
from etvae_tf.errors import InputError
from etvae_tf.experiments.planted_faults import FAULTS, plant_faults
from etvae_tf.files import write_atomically
from etvae_tf.inference import Listing, Scorer
from etvae_tf.inference.anomaly import SCORES, latent_density, rank_oddities, score_function
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.walk import job_of
from etvae_tf.measures import measure
from etvae_tf.vote_tables import WRITERS, check_output

__all__ = ["average_precisions", "judge_anomaly"]

_GALAXIES = 1000  # at most, drawn by a hash of their names
_FEWEST = 100  # in which 5 % are faults enough
_SHARE = 0.05  # of the pictures that get a fault
_SEEDS = range(10)  # of the faults
_NEIGHBOUR = 10  # whose distance the baseline takes
_BATCH = 100  # pictures scored at once


def judge_anomaly(listing: Listing, scorer: Scorer, output: str | Path) -> None:
    """Plants faults into 5 % of at most 1,000 pictures with ten seeds, and writes how well each score finds them.

    Goes on with the next seed where the same call was killed.

    The table has the columns fault (a kind, or all), score, seed and average_precision; chance has the share of the
    faults, 0.05 for all and 0.017 for one kind. The scores are elbo; log_density; rank, of both, see `rank_oddities`;
    novelty, where the model gives it; and measures, the distance from the tenth-nearest picture in the space of
    the standardised classical measures: the baseline, which needs no model.

    Args:
        listing: pictures without faults, as a rule.
        scorer: the trained model.
        output: path of the table, .csv or .parquet; must not exist.

    Raises:
        InputError: no place for the table, parts of another one there, another process that writes it, or fewer than
            100 pictures that can be read.
    """
    output = Path(output)
    check_output(output)
    names = [listing.names[row] for row in draw_pool(np.array(listing.names, str), _GALAXIES)]
    images, ok = read_images(listing.source, names, *scorer.preparation)
    images = images[ok]
    if len(images) < _FEWEST:
        raise InputError(f"{len(images)} pictures could be read, but {_FEWEST} at least are needed; name a larger set.")
    with Parts(output, job_of(listing, scorer, planted=True)) as parts:
        whole = _scores(scorer, images)
        for seed in _SEEDS[len(parts) :]:
            planted, faults = plant_faults(images, _SHARE, seed)
            changed = faults != ""
            scores = {name: values.copy() for name, values in whole.items()}
            for name, values in _scores(scorer, planted[changed]).items():
                scores[name][changed] = values
            parts.append(pd.DataFrame({"seed": seed, "fault": faults, **_oddities(scores)}))
            print(f"seed {seed}: {changed.sum()} faults in {len(images)} pictures", flush=True)
        pictures = pd.concat(parts.read(), ignore_index=True)
        table = _judged(pictures)
        write_atomically(output, lambda temporary: WRITERS[output.suffix](table, temporary))
        parts.remove()
    pivot = table.pivot_table("average_precision", "score", "fault", ["mean", "std"], sort=False)
    print(pivot.to_string(float_format="{:.3f}".format))
    for fault in ("", *FAULTS) if "novelty" in pictures else ():
        flagged = pictures.loc[pictures["fault"] == fault, "novelty"] > 1
        print(f"novelty above 1: {flagged.mean():.3f} of the pictures with {fault or 'no fault'}")
    print(f"average precisions are in {output}")


def _judged(pictures: pd.DataFrame) -> pd.DataFrame:
    """The table of all seeds, of pictures with the columns seed, fault and the scores."""
    results = []
    for seed, rows in pictures.groupby("seed"):
        oddities = {name: rows[name].to_numpy() for name in rows.columns.drop(["seed", "fault"])}
        results.append(average_precisions(oddities, rows["fault"].to_numpy(str)).assign(seed=seed))
    return pd.concat(results, ignore_index=True)


def average_precisions(oddities: dict[str, np.ndarray], faults: np.ndarray) -> pd.DataFrame:
    """Average precision of scores, of all faults and of each kind among the whole pictures.

    Args:
        oddities: by the name of the score, arrays (N,), high where a picture is odd.
        faults: array (N,) of `plant_faults`.

    Returns:
        Columns fault, score, average_precision.
    """
    rows = []
    for fault in ("all", *FAULTS):
        kept = (faults == "") | (faults == fault) if fault != "all" else np.full(len(faults), True)
        for name, values in oddities.items():
            rows.append((fault, name, average_precision_score(faults[kept] != "", values[kept])))
    return pd.DataFrame(rows, columns=["fault", "score", "average_precision"])


def _scores(scorer: Scorer, images: np.ndarray) -> dict[str, np.ndarray]:
    """Latents, scores and measures of pictures, arrays (N, ...)."""
    function = score_function(scorer)
    parts = [function(images=to_float(images[start : start + _BATCH])) for start in range(0, len(images), _BATCH)]
    scores = {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}
    return {**scores, "measures": measure(images).to_numpy()}


def _oddities(scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ranks pictures by name, arrays (N,), high where a picture is odd."""
    latents = scores["latent_mean"]
    table = pd.DataFrame({name: scores[name] for name in ("elbo",) if name in scores})
    table = table.assign(log_density=latent_density(latents)(latents), ok=True)
    ranked = rank_oddities(table).sort_index()
    oddities = {name: -ranked[name].to_numpy(float) for name in (*SCORES, "rank") if name in ranked}
    if "novelty" in scores:
        oddities["novelty"] = scores["novelty"]
    features = StandardScaler().fit_transform(scores["measures"])
    distances, _ = NearestNeighbors(n_neighbors=_NEIGHBOUR + 1).fit(features).kneighbors(features)
    return {**oddities, "measures": distances[:, -1]}
