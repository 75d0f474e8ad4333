"""Votes of a folder or zip of pictures, by a trained model called in this process, into a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from etvae_tf.data.images import open_images
from etvae_tf.errors import InputError
from etvae_tf.inference.scorer import exported_scorer, run_scorer
from etvae_tf.vote_tables import check_n_votes, check_output, read_batches, score_batches, write_table

__all__ = ["predict_pictures"]

_BATCH = 64  # pictures scored at once


def predict_pictures(
    images: str | Path | None,
    output: str | Path | None,
    export_dir: str | Path,
    workdir: str | Path | None = None,
    crop_fraction: float | None = None,
    n_votes: int | None = None,
) -> pd.DataFrame:
    """Scores every picture of a folder or zip into a table.

    Args:
        images: folder or zip of pictures of any size.
        output: path of the table, .csv or .parquet; must not exist.
        export_dir: folder of exported versions, whose newest answers where no run is named.
        workdir: folder of a finished run, whose model answers instead.
        crop_fraction: central part of a picture that is kept, in (0, 1]; the model's own where it is None.
        n_votes: see `vote_table`.

    Returns:
        What the table holds, see `vote_table`; rows in the order of the pictures' names.

    Raises:
        InputError: no pictures, no model, an impossible crop_fraction, or no place for the table.
    """
    if not images or not output:
        raise InputError("--mode=predict scores pictures into a table; add --images=FOLDER_OR_ZIP --output=votes.csv.")
    check_n_votes(n_votes)
    check_output(output)
    source = open_images(images)
    source.tell_others()
    scorer = run_scorer(workdir, crop_fraction) if workdir else exported_scorer(export_dir, crop_fraction)
    rows = score_batches(scorer.predict, read_batches(source, _BATCH), scorer.answers, source.why_unreadable, n_votes)
    table = write_table(output, rows, len(source.names))
    print(
        f"{len(table)} pictures scored by {scorer.source} into {output}; {sum(~table['ok'])} of them could not be read."
    )
    return table
