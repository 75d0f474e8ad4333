"""Votes of pictures by a trained model called in this process, into a table of any length."""

from __future__ import annotations

from pathlib import Path

from etvae_tf.inference.listing import Listing
from etvae_tf.inference.parts import Parts
from etvae_tf.inference.scorer import Scorer
from etvae_tf.inference.scoring import score_pictures
from etvae_tf.inference.walk import job_of, walk
from etvae_tf.vote_tables import check_n_votes, check_output

__all__ = ["predict_pictures"]


def predict_pictures(listing: Listing, scorer: Scorer, output: str | Path, n_votes: int | None = None) -> None:
    """Scores pictures into a table; goes on where the same call was killed.

    The table has the columns of `vote_table`, why a picture could not be read (reason), and the other columns of the
    listing; where one of those has a name of the first, it is called NAME_given. Memory does not grow with the number
    of pictures, but for their names and the table that lists them.

    Args:
        listing: the pictures, one row each in its order.
        scorer: the trained model.
        output: path of the table, .csv or .parquet; must not exist.
        n_votes: see `vote_table`.

    Raises:
        InputError: an impossible n_votes, no place for the table, parts of another one there, or another process that
            writes it.
    """
    check_n_votes(n_votes)
    check_output(output)
    listing.source.tell_others()
    with Parts(output, job_of(listing, scorer, n_votes=n_votes)) as parts:
        walk(listing.names, parts, lambda done: score_pictures(scorer, listing.source, listing.names[done:], n_votes))
        unreadable = parts.join(listing.others)
    count = len(listing.names)
    print(f"{count} pictures scored by {scorer.source} into {output}; {unreadable} of them could not be read.")
