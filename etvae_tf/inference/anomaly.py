"""Which pictures of a survey are odd: by the ELBO of their pixels, and by the density of their latents.

The ELBO is low where the autoencoder cannot draw a picture: for bright things that are no galaxy. The density is that
of a Gaussian with mean and covariance (Ledoit and Wolf 2004) of the survey's own latents, so that another telescope
alone makes no galaxy odd. A galaxy is as odd as the better of its two ranks says, since each finds what the other
does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
from scipy import stats
from sklearn.covariance import LedoitWolf

from etvae_tf.data import draw_pool
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.inference.drawings import draw_sheet, read_pictures
from etvae_tf.inference.listing import Listing, given_names
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer
from etvae_tf.inference.scoring import picture_outputs
from etvae_tf.inference.walk import job_of, latent_columns, readable, walk
from etvae_tf.vote_tables import WRITERS, check_output

__all__ = ["SCORES", "find_oddities", "latent_density", "rank_oddities", "score_function"]

SCORES = ("elbo", "log_density")  # columns that are low where a picture is odd
_REFERENCE = 10_000  # galaxies that the density is made of, at most
_FEWEST = 10  # of which a density says something
_SHOWN = 24  # oddest galaxies


def find_oddities(listing: Listing, scorer: Scorer, output: str | Path) -> None:
    """Ranks pictures into a table, the oddest first; goes on where the same call was killed.

    The table has the columns rank, from 1; id; elbo, in nats, and elbo_rank; log_density, of the latent, in nats, and
    log_density_rank; novelty, see `Novelty`, where the model gives it; ok, false in the last rows, whose pictures could
    not be read; reason; and the other columns of the listing. A model without a trained decoder has no elbo. A picture
    of the 24 oddest galaxies stands beside it. In memory are a few numbers for each picture.

    Args:
        listing: the pictures.
        scorer: the trained model.
        output: path of the table, .csv or .parquet; must not exist.

    Raises:
        InputError: no place for the table, parts of another one there, or fewer than 10 pictures that can be read.
    """
    output = Path(output)
    check_output(output)
    listing.source.tell_others()
    if "reconstruct" not in scorer.signatures:
        print(f"{scorer.source} has no trained decoder, so no ELBO: density alone ranks the pictures", flush=True)
    function = score_function(scorer)

    def rows(done: int) -> Iterator[pd.DataFrame]:
        for names, outputs in picture_outputs(function, scorer.preparation, listing.source, listing.names[done:]):
            numbers = {name: outputs[name] for name in ("elbo", "novelty") if name in outputs}
            columns = {**numbers, **latent_columns(outputs["latent_mean"])}
            yield pd.DataFrame({"id": names, **columns, **readable(names, outputs["ok"], listing.source)})

    with Parts(output, job_of(listing, scorer, ranked=True)) as parts:
        walk(listing.names, parts, rows)
        table = rank_oddities(_with_density(parts, listing))
        others = listing.others.set_axis(given_names(table.columns, listing.others.columns), axis=1)
        table = table.join(others)
        write_atomically(output, lambda temporary: WRITERS[output.suffix](table, temporary))
        parts.remove()
    shown, drawn = table[table["ok"]][:_SHOWN], output.with_suffix(".png")
    pictures = read_pictures(listing.source, list(shown["id"]), scorer.preparation)
    titles = [f"{row.rank}: {row.id}" for row in shown.itertuples()]
    draw_sheet(pictures, titles, f"the {len(shown)} oddest of {len(table)} pictures", drawn)
    unreadable = int((~table["ok"]).sum())
    print(f"{len(table)} pictures ranked by {scorer.source} into {output}; {unreadable} of them could not be read.")
    print(f"the {len(shown)} oddest are in {drawn}")


def score_function(scorer: Scorer) -> Callable[..., dict[str, tf.Tensor]]:
    """Gives latent_mean (B, Z) of pictures and, (B,), elbo and novelty, as far as the model has them."""

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = dict(scorer.decoded(images=images))
        if "reconstruct" in scorer.signatures:
            outputs["elbo"] = scorer.signatures["reconstruct"](images=images)["elbo"]
        return {name: outputs[name] for name in ("latent_mean", "elbo", "novelty") if name in outputs}

    return call


def latent_density(latents: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The log density, in nats, of latents (M, Z) under the Gaussian of reference latents (N, Z)."""
    reference = LedoitWolf().fit(latents.astype(np.float64))  # float32 would drop narrow directions
    gaussian = stats.multivariate_normal(reference.location_, reference.covariance_, allow_singular=True)
    return lambda others: np.reshape(gaussian.logpdf(others), len(others))


def rank_oddities(table: pd.DataFrame) -> pd.DataFrame:
    """A table in the order of its oddity.

    Args:
        table: with the columns ok and one or both of `SCORES`, which are empty where ok is false.

    Returns:
        Its rows, the oddest first, with a column SCORE_rank behind each score and rank as the first column; ranks
        count from 1, and are empty where ok is false. A row's oddity is the better of its ranks, then the other one.
    """
    scores = [name for name in SCORES if name in table]
    ranks = table[scores].rank(method="first").astype("Int64")
    for name in scores:
        table.insert(table.columns.get_loc(name) + 1, f"{name}_rank", ranks[name])
    keys = np.sort(ranks.to_numpy(float, na_value=np.inf), axis=1)
    order = np.lexsort(keys.T[::-1])
    table = table.iloc[order]
    places = pd.Series(np.arange(1, len(table) + 1), table.index, "Int64")
    table.insert(0, "rank", places.where(table["ok"]))
    return table


def _with_density(parts: Parts, listing: Listing) -> pd.DataFrame:
    """The rows of all parts with the column log_density instead of their latents."""
    chosen = np.zeros(len(listing.names), bool)
    chosen[draw_pool(np.array(listing.names, str), _REFERENCE)] = True
    reference, start = [], 0
    for part in parts.read():
        known = part["ok"].to_numpy() & chosen[start : start + len(part)]
        reference.append(part.loc[known].filter(regex=r"^latent_\d+$").to_numpy())
        start += len(part)
    reference = np.concatenate(reference)
    if len(reference) < _FEWEST:
        raise InputError(
            f"{len(reference)} pictures could be read, but a ranking takes {_FEWEST} at least; add more of the survey."
        )
    density, tables = latent_density(reference), []
    for part in parts.read():
        latents = part.filter(regex=r"^latent_\d+$")
        values = np.full(len(part), np.nan)
        values[part["ok"]] = density(latents[part["ok"]].to_numpy())
        rest = part.drop(columns=latents.columns)
        rest.insert(rest.columns.get_loc("ok"), "log_density", values)
        tables.append(rest)
    return pd.concat(tables, ignore_index=True)
