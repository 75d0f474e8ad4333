"""The next galaxies to ask volunteers about, out of pictures of any number."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data import are_copies, hashes_from_text, picture_hashes
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.inference.information import information_function
from etvae_tf.inference.listing import Listing, given_names
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer
from etvae_tf.inference.scoring import picture_outputs
from etvae_tf.inference.strategies import STRATEGIES, Chosen, check_number, check_strategy, choose
from etvae_tf.inference.walk import job_of, latent_columns, walk
from etvae_tf.training import RunFolder, load_model
from etvae_tf.vote_tables import WRITERS, check_output

__all__ = ["acquire_galaxies", "check_choice"]

_FLAGS = "--mode=acquire chooses galaxies to ask volunteers about; add "
_LATENTS = "^latent_[0-9]+$"  # columns of the parts


def acquire_galaxies(
    listing: Listing, scorer: Scorer, output: str | Path, n_galaxies: int, strategy: str, seed: int = 0
) -> None:
    """Chooses galaxies by a strategy into a table; goes on where the same call was killed.

    Galaxies whose votes a run has learnt are no candidates, under whatever name their pictures come. The table has one
    row a galaxy, the highest score first: id, rank from 1, strategy, score (see `Chosen`), entropy and
    mutual_information in nats where a run is asked, and the other columns of the listing; where one of those has a name
    of the first, it is called NAME_given. In memory grow the names of the pictures, their scores and the listing.

    Args:
        listing: the pictures.
        scorer: the trained model; of a run, what it has learnt is known.
        output: path of the table, .csv or .parquet; must not exist.
        n_galaxies: how many to choose.
        strategy: a key of `STRATEGIES`; bald and entropy need a run.
        seed: of what is random in the choice.

    Raises:
        InputError: an impossible argument, fewer candidates than n_galaxies, no place for the table, or scores of other
            pictures or of another model there.
    """
    run = RunFolder(scorer.source)
    is_run = run.model.exists()
    check_choice(strategy, n_galaxies, seed, is_run)
    check_output(output)
    check_number(n_galaxies, len(listing.names))
    listing.source.tell_others()
    model = _ask_run(run) if is_run else _ask_export(scorer)
    labelled = _labelled(run) if is_run else None
    with Parts(output, job_of(listing, scorer)) as parts:
        walk(listing.names, parts, lambda done: _rows(model, labelled, scorer.preparation, listing, done))
        scores = pd.concat([part.drop(columns=part.filter(regex=_LATENTS)) for part in parts.read()], ignore_index=True)
        candidates = np.flatnonzero(scores["ok"] & ~scores["labelled"])
        information = {name: scores[name].to_numpy()[candidates] for name in STRATEGIES.values() if name in scores}
        ids = scores["id"].to_numpy(str)[candidates]
        latents = functools.partial(_latents, parts, candidates)
        chosen = choose(strategy, ids, information, latents, n_galaxies, seed)
        beside = listing.others.iloc[candidates[chosen.places]]
        table = _batch(strategy, ids, information, chosen, beside)
        write_atomically(output, lambda temporary: WRITERS[Path(output).suffix](table, temporary))
        parts.remove()
    aside = f"; {int(scores['labelled'].sum())} have labels that {scorer.source} learnt" if is_run else ""
    print(
        f"{n_galaxies} of {len(candidates)} candidates chosen by {strategy} into {output}{aside}; "
        f"{int((~scores['ok']).sum())} pictures could not be read."
    )


def check_choice(strategy: str | None, n_galaxies: int | None, seed: int, is_run: bool) -> None:
    """Refuses what is missing or impossible.

    Args:
        strategy: a key of `STRATEGIES`.
        n_galaxies: how many to choose, at least 1.
        seed: in [0, 2 ** 32).
        is_run: whether a run is asked, and not an exported model, whose vote head cannot be.

    Raises:
        InputError: one of them is not so.
    """
    if n_galaxies is None or n_galaxies < 1:
        raise InputError(f"{_FLAGS}--n_galaxies=N, at least 1.")
    if not strategy:
        raise InputError(f"{_FLAGS}--strategy, one of {', '.join(STRATEGIES)}.")
    check_strategy(strategy)
    if STRATEGIES[strategy] and not is_run:
        raise InputError(
            f"--strategy={strategy} asks the vote head of a run, but no run came; add --workdir=RUN, or choose by "
            "--strategy=typical."
        )
    if not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}, expected a whole number from 0 to {2**32 - 1}; mend --seed.")


def _ask_run(run: RunFolder) -> Callable[..., dict[str, tf.Tensor]]:
    """Latents, information and, to tell copies, the pictures themselves, (B, H W C)."""
    information = information_function(load_model(run.model))

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        flat = tf.reshape(images, [tf.shape(images)[0], np.prod(images.shape[1:])])
        return {**information(images), "pictures": flat}

    return call


def _ask_export(scorer: Scorer) -> Callable[..., dict[str, tf.Tensor]]:
    """Latents: an exported model does not show its vote head."""
    print(f"{scorer.source} keeps no list of what it learnt from: galaxies with labels may be chosen", flush=True)
    return lambda images: {"latent_mean": scorer.decoded(images=images)["latent_mean"]}


def _labelled(run: RunFolder) -> pd.DataFrame:
    """Columns id and picture_hash of the galaxies whose votes a run has learnt."""
    if not run.learnt.exists():
        raise InputError(f"{run.path} lacks {run.learnt.name}, the list of what the run learnt from; train it anew.")
    table = pd.read_parquet(run.learnt)
    return table.loc[table["labelled"], ["id", "picture_hash"]]


def _rows(
    model: Callable[..., dict[str, tf.Tensor]],
    labelled: pd.DataFrame | None,
    preparation: tuple[int, int, float],
    listing: Listing,
    done: int,
) -> Iterator[pd.DataFrame]:
    """From a position on, a batch at a time: id, labelled, ok, what the model says, and latents by their numbers."""
    size, channels, _ = preparation
    known = None if labelled is None else hashes_from_text(labelled["picture_hash"])
    for names, outputs in picture_outputs(model, preparation, listing.source, listing.names[done:]):
        learnt, latents = np.zeros(len(names), bool), outputs.pop("latent_mean")
        if labelled is not None:
            learnt = np.isin(names, labelled["id"])
            unknown = outputs["ok"] & ~learnt
            pictures = np.round(255 * outputs.pop("pictures")[unknown]).astype(np.uint8)
            learnt[unknown] = are_copies(picture_hashes(pictures.reshape(-1, size, size, channels)), known)
        yield pd.DataFrame({"id": list(names), "labelled": learnt, **outputs, **latent_columns(latents)})


def _latents(parts: Parts, candidates: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Latents (M, Z) of the candidates, rows of the parts, at some places; one part at a time is in memory."""
    rows = candidates[places]
    order, found, start = np.argsort(rows), [], 0
    for part in parts.read():
        inside = rows[order][(rows[order] >= start) & (rows[order] < start + len(part))]
        found.append(part.filter(regex=_LATENTS).to_numpy()[inside - start])
        start += len(part)
    return np.concatenate(found)[np.argsort(order)]


def _batch(
    strategy: str, ids: np.ndarray, information: dict[str, np.ndarray], chosen: Chosen, beside: pd.DataFrame
) -> pd.DataFrame:
    """The table of those chosen, with their columns of the listing."""
    told = {name: values[chosen.places] for name, values in information.items()}
    rank = np.arange(1, len(chosen.places) + 1)
    own = pd.DataFrame({"id": ids[chosen.places], "rank": rank, "strategy": strategy, "score": chosen.scores, **told})
    beside = beside.set_axis(given_names(own.columns, beside.columns), axis=1)
    return pd.concat([own, beside.reset_index(drop=True)], axis=1)
