"""Votes of pictures by a trained model called in this process, into a table of any length."""

from __future__ import annotations

from pathlib import Path

from etvae_tf.errors import InputError
from etvae_tf.inference.listing import list_pictures
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import exported_scorer, run_scorer
from etvae_tf.inference.scoring import score_pictures
from etvae_tf.inference.walk import job_of, walk
from etvae_tf.vote_tables import check_n_votes, check_output

__all__ = ["predict_pictures"]


def predict_pictures(
    images: str | Path | None,
    output: str | Path | None,
    export_dir: str | Path | None,
    workdir: str | Path | None = None,
    crop_fraction: float | None = None,
    table: str | Path | None = None,
    id_column: str = "",
    n_votes: int | None = None,
) -> None:
    """Scores pictures into a table; goes on where the same call was killed.

    The table has the columns of `vote_table`, why a picture could not be read (reason), and the other columns of
    `table`; where one of those has a name of the first, it is called NAME_given. Memory does not grow with the number
    of pictures, but for their names and the table that lists them.

    Args:
        images: folder or zip of pictures of any size; may be left out where `table` has their paths in file_loc.
        output: path of the table, .csv or .parquet; must not exist.
        export_dir: folder of exported versions, whose newest answers where no run is named.
        workdir: folder of a finished run, whose model answers instead.
        crop_fraction: central part of a picture that is kept, in (0, 1]; the model's own where it is None.
        table: of the galaxies to score, one row each in its order; all pictures, in the order of their names, without.
        id_column: of that table; empty to take the one that matches most picture names.
        n_votes: see `vote_table`.

    Raises:
        InputError: no pictures, no model, an impossible crop_fraction, no place for the table, or parts of another one
            there.
    """
    if not output:
        raise InputError("--mode=predict scores pictures into a table; add --images=FOLDER_OR_ZIP --output=votes.csv.")
    check_n_votes(n_votes)
    check_output(output)
    listing = list_pictures(images, table, id_column)
    listing.source.tell_others()
    scorer = run_scorer(workdir, crop_fraction) if workdir else exported_scorer(export_dir, crop_fraction)
    parts = Parts(output, job_of(listing, scorer.source, crop_fraction=crop_fraction, n_votes=n_votes))
    walk(listing.names, parts, lambda done: score_pictures(scorer, listing.source, listing.names[done:], n_votes))
    unreadable = parts.join(listing.others)
    count = len(listing.names)
    print(f"{count} pictures scored by {scorer.source} into {output}; {unreadable} of them could not be read.")
