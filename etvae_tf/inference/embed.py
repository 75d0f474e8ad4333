"""Latents, poses and canonical pictures of a survey as files, a map of them, and the galaxies nearest to one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.errors import InputError
from etvae_tf.files import write_json
from etvae_tf.inference.canonical import CanonicalPictures
from etvae_tf.inference.embedding_map import map_latents
from etvae_tf.inference.listing import Listing
from etvae_tf.inference.neighbours import find_neighbours
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer
from etvae_tf.inference.scoring import picture_outputs
from etvae_tf.inference.walk import job_of, latent_columns, readable, walk
from etvae_tf.vote_tables import check_output

__all__ = ["embed_pictures"]


def embed_pictures(
    listing: Listing, scorer: Scorer, output: str | Path, canonical: bool = True, neighbours_of: str | None = None
) -> None:
    """Writes the latents of pictures; goes on where the same call was killed, and reads what it finds complete.

    For an output embedding.parquet, these appear beside it: embedding_inputs.json, what the rows depend on;
    embedding_canonical.npz, see `CanonicalPictures`; embedding_map.png, see `map_latents`; and for neighbours_of=ID
    embedding_neighbours_ID.csv and .png. The table has the columns id; latent_0, latent_1, ..., the mean of the
    posterior; pose_angle in radians; ok, false where the picture could not be read and the numbers are empty; reason;
    and the other columns of the listing.

    Args:
        listing: the pictures.
        scorer: the trained model.
        output: path of the table, .csv or .parquet; one that is there is read if the same pictures and model made it.
        canonical: whether canonical pictures are written.
        neighbours_of: identifier of a galaxy whose nearest ones are asked for.

    Raises:
        InputError: no place for the table, or another one there; parts of another one; or no such galaxy.
    """
    output = Path(output)
    record = output.with_name(f"{output.stem}_inputs.json")
    check_output(output, may_exist=record.exists())
    if neighbours_of is not None and neighbours_of not in frozenset(listing.names):
        raise InputError(f"--neighbours_of={neighbours_of} is none of the {len(listing.names)} pictures; mend the id.")
    listing.source.tell_others()
    job = job_of(listing, scorer, canonical=canonical)
    drawn = output.with_name(f"{output.stem}_map.png")
    if output.exists():
        _check_same(output, json.loads(record.read_text()), job)
        print(f"{output} holds this embedding already, complete.")
    else:
        drawn.unlink(missing_ok=True)  # of another embedding, whose table was removed
        _embed(listing, scorer, output, record, job)
    if not drawn.exists():
        map_latents(output, listing, scorer.preparation, drawn)
    if neighbours_of is not None:
        find_neighbours(output, neighbours_of, listing.source, scorer.preparation)


def _check_same(output: Path, before: dict[str, Any], job: dict[str, Any]) -> None:
    changed = sorted(name for name in {*before, *job} if before.get(name) != job.get(name))
    if changed:
        raise InputError(
            f"--output={output} is an embedding with another {', another '.join(changed)}; remove it, or choose "
            "another name."
        )


def _embed(listing: Listing, scorer: Scorer, output: Path, record: Path, job: dict[str, Any]) -> None:
    """Writes the table and the canonical pictures."""
    size, channels, _ = scorer.preparation
    count, shape = len(listing.names), (size, size, channels)
    function = _latents_and_views(scorer) if job["canonical"] else scorer.decoded
    pictures: CanonicalPictures | None = None

    def rows(done: int) -> Iterator[pd.DataFrame]:
        for names, outputs in picture_outputs(function, scorer.preparation, listing.source, listing.names[done:]):
            if pictures:
                pictures.put(done, outputs["canonical"])
            done += len(names)
            numbers = {**latent_columns(outputs["latent_mean"]), "pose_angle": outputs["pose_angle"]}
            yield pd.DataFrame({"id": names, **numbers, **readable(names, outputs["ok"], listing.source)})

    with Parts(output, job) as parts:
        if job["canonical"]:
            pictures = CanonicalPictures(parts.folder / "canonical.npy", count, shape)
        walk(listing.names, parts, rows)
        if pictures:
            pictures.write(output.with_name(f"{output.stem}_canonical.npz"), listing.names)
        write_json(record, job)
        unreadable = parts.join(listing.others)
    print(f"{count} pictures embedded by {scorer.source} into {output}; {unreadable} of them could not be read.")


def _latents_and_views(scorer: Scorer) -> Callable[..., dict[str, tf.Tensor]]:
    """Latent, pose and canonical picture, (B, H W C), of pictures."""

    def call(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = scorer.decoded(images=images)
        canonical = scorer.signatures["canonicalise"](images=images)["canonical"]
        flat = tf.reshape(canonical, [tf.shape(images)[0], np.prod(images.shape[1:])])
        return {"latent_mean": outputs["latent_mean"], "pose_angle": outputs["pose_angle"], "canonical": flat}

    return call
