"""The next galaxies to ask volunteers about, out of a folder of pictures of any number."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import tensorflow as tf

from etvae_tf.data import are_copies, hashes_from_text, picture_hashes
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.inference.information import information_function
from etvae_tf.inference.listing import Listing, list_pictures
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import exported_scorer
from etvae_tf.inference.scoring import picture_outputs
from etvae_tf.inference.strategies import STRATEGIES, Chosen, check_number, check_strategy, choose
from etvae_tf.inference.walk import job_of, latent_columns, part_length, walk
from etvae_tf.training import finished_run, load_model
from etvae_tf.vote_tables import check_output

__all__ = ["acquire_galaxies"]

_LATENT = "latent_"  # and its number: columns of the parts
_FLAGS = "--mode=acquire chooses galaxies to ask volunteers about; add "


class _Asked(NamedTuple):
    """A trained model, and what it has learnt.

    Attributes:
        source: folder that it came from.
        preparation: image_size, channels and crop_fraction of its pictures.
        model: gives latent_mean (B, Z) of images (B, H, W, C) and, of a run, what `information_function` says.
        ids: of the galaxies whose votes it has learnt, str (M,).
        hashes: of their pictures, uint8 (M, 216).
    """

    source: Path
    preparation: tuple[int, int, float]
    model: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    ids: np.ndarray
    hashes: np.ndarray


def acquire_galaxies(
    images: str | Path | None,
    output: str | Path | None,
    n_galaxies: int | None,
    strategy: str | None,
    export_dir: str | Path | None,
    workdir: str | Path | None = None,
    crop_fraction: float | None = None,
    table: str | Path | None = None,
    id_column: str = "",
    seed: int = 0,
) -> None:
    """Chooses galaxies by a strategy into a table; goes on where the same call was killed.

    Galaxies whose votes the run has learnt are no candidates, under whatever name their pictures come. The table has
    one row a galaxy, the highest score first: id, rank from 1, strategy, score (see `Chosen`), entropy and
    mutual_information in nats where a run is asked, and the other columns of `table`; where one of those has a name of
    the first, it is called NAME_given. With the number of pictures grow, in memory, their names, their scores and the
    table that lists them.

    Args:
        images: folder or zip of pictures; may be left out where `table` has their paths in file_loc.
        output: path of the table, .csv or .parquet; must not exist.
        n_galaxies: how many to choose.
        strategy: a key of `STRATEGIES`; bald and entropy need a run.
        export_dir: folder of exported versions, whose newest is asked where no run is named.
        workdir: folder of a finished run, whose model is asked instead.
        crop_fraction: central part of a picture that is kept, in (0, 1]; the model's own where it is None.
        table: of the candidates; all pictures are candidates without.
        id_column: of that table; empty to take the one that matches most picture names.
        seed: of what is random in the choice.

    Raises:
        InputError: a missing or impossible argument, no pictures, no model, fewer candidates than n_galaxies, no place
            for the table, or scores of other pictures or of another model there.
    """
    _check(images or table, output, n_galaxies, strategy, workdir, crop_fraction, seed)
    listing = list_pictures(images, table, id_column)
    listing.source.tell_others()
    check_number(n_galaxies, len(listing.names))
    asked = _ask_run(workdir, crop_fraction) if workdir else _ask_export(export_dir, crop_fraction)
    parts = Parts(output, job_of(listing, asked.source, crop_fraction=crop_fraction, candidates=True))
    walk(listing.names, parts, functools.partial(_rows, asked, listing))
    scores = _scores(parts)
    candidates = np.flatnonzero(scores["ok"] & ~scores["labelled"])
    information = {name: scores[name].to_numpy()[candidates] for name in STRATEGIES.values() if name in scores}
    ids = scores["id"].to_numpy(str)[candidates]
    chosen = choose(strategy, ids, information, lambda places: _latents(parts, candidates[places]), n_galaxies, seed)
    beside = listing.others.iloc[candidates[chosen.places]]
    _write(Path(output), _batch(strategy, ids, information, chosen, beside))
    shutil.rmtree(parts.folder)
    aside = f"; {int(scores['labelled'].sum())} have labels that {workdir} learnt" if workdir else ""
    print(
        f"{n_galaxies} of {len(candidates)} candidates chosen by {strategy} into {output}{aside}; "
        f"{int((~scores['ok']).sum())} pictures could not be read."
    )


def _check(
    pictures: object,
    output: str | Path | None,
    n: int | None,
    strategy: str | None,
    workdir: str | Path | None,
    crop_fraction: float | None,
    seed: int,
) -> None:
    """Refuses what is missing or impossible, before any work."""
    if not pictures:
        raise InputError(f"{_FLAGS}--images=FOLDER_OR_ZIP, or --data=TABLE with their paths.")
    if not output:
        raise InputError(f"{_FLAGS}--output=next.csv.")
    if n is None or n < 1:
        raise InputError(f"{_FLAGS}--n_galaxies=N, at least 1.")
    if not strategy:
        raise InputError(f"{_FLAGS}--strategy, one of {', '.join(STRATEGIES)}.")
    check_strategy(strategy)
    if STRATEGIES[strategy] and not workdir:
        raise InputError(
            f"--strategy={strategy} asks the vote head of a run, but no run came; add --workdir=RUN, or choose by "
            "--strategy=typical."
        )
    if crop_fraction is not None and not 0 < crop_fraction <= 1:
        raise InputError(f"crop_fraction={crop_fraction}, expected a number in (0, 1]; 1 keeps the whole picture.")
    if not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}, expected a whole number from 0 to {2**32 - 1}; mend --seed.")
    check_output(output)


def _ask_run(workdir: str | Path, crop_fraction: float | None) -> _Asked:
    """The model of a finished run, and the galaxies whose votes it has learnt."""
    run = finished_run(workdir)
    folder = run.folder
    if not folder.learnt.exists():
        raise InputError(
            f"{folder.path} lacks {folder.learnt.name}, the list of what the run learnt from; train it anew."
        )
    learnt = pd.read_parquet(folder.learnt)
    labelled = learnt[learnt["labelled"]]
    model = load_model(folder.model)
    size, _, channels = model.image_shape
    kept = run.config.data.crop_fraction if crop_fraction is None else crop_fraction
    hashes = hashes_from_text(labelled["picture_hash"])
    return _Asked(
        folder.path, (size, channels, kept), information_function(model), labelled["id"].to_numpy(str), hashes
    )


def _ask_export(export_dir: str | Path, crop_fraction: float | None) -> _Asked:
    """The newest exported model: it shows latents alone, and keeps no list of what it has learnt."""
    scorer = exported_scorer(export_dir, crop_fraction)
    print(f"{scorer.source} keeps no list of what it learnt from: galaxies with labels may be chosen", flush=True)
    nothing = (np.zeros(0, str), hashes_from_text([]))

    def latent_mean(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"latent_mean": scorer.decoded(images=images)["latent_mean"]}

    return _Asked(scorer.source, scorer.preparation, latent_mean, *nothing)


def _rows(asked: _Asked, listing: Listing, done: int) -> Iterator[pd.DataFrame]:
    """Batches of rows from a position on: id, labelled, ok, what the model says, and its latents."""
    size, channels, _ = asked.preparation

    def model(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {**asked.model(images=images), "pixels": tf.reshape(images, [-1, size * size * channels])}

    for names, outputs in picture_outputs(model, asked.preparation, listing.source, listing.names[done:]):
        latents, pixels = outputs.pop("latent_mean"), outputs.pop("pixels")
        labelled = np.isin(names, asked.ids)
        unknown = outputs["ok"] & ~labelled
        pictures = np.round(255 * pixels[unknown]).astype(np.uint8).reshape(-1, size, size, channels)
        labelled[unknown] = are_copies(picture_hashes(pictures), asked.hashes)
        yield pd.DataFrame({"id": list(names), "labelled": labelled, **outputs, **latent_columns(latents)})


def _scores(parts: Parts) -> pd.DataFrame:
    """All rows of the parts, without latents."""
    paths = _paths(parts)
    names = [name for name in pq.read_schema(paths[0]).names if not name.startswith(_LATENT)]
    return pd.concat([pd.read_parquet(path, columns=names) for path in paths], ignore_index=True)


def _latents(parts: Parts, rows: np.ndarray) -> np.ndarray:
    """Latents (M, Z) of some rows of the parts, of which one at a time is in memory."""
    found, paths = {}, _paths(parts)
    length = part_length()
    for number in np.unique(rows // length):
        table = pd.read_parquet(paths[number]).filter(regex=f"^{_LATENT}").to_numpy()
        found |= {row: table[row % length] for row in rows[rows // length == number]}
    return np.stack([found[row] for row in rows])


def _paths(parts: Parts) -> list[Path]:
    return sorted(parts.folder.glob("[0-9]*.parquet"))


def _batch(
    strategy: str, ids: np.ndarray, information: dict[str, np.ndarray], chosen: Chosen, beside: pd.DataFrame
) -> pd.DataFrame:
    """The table of those chosen, with their columns of the table of candidates."""
    told = {name: values[chosen.places] for name, values in information.items()}
    rank = np.arange(1, len(chosen.places) + 1)
    own = pd.DataFrame({"id": ids[chosen.places], "rank": rank, "strategy": strategy, "score": chosen.scores, **told})
    names = {name: f"{name}_given" for name in beside if name in own}
    return pd.concat([own, beside.rename(columns=names).reset_index(drop=True)], axis=1)


def _write(output: Path, table: pd.DataFrame) -> None:
    if output.suffix == ".csv":
        write_atomically(output, lambda path: table.to_csv(path, index=False))
    else:
        write_atomically(output, lambda path: table.to_parquet(path, index=False))
