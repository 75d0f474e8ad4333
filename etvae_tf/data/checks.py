"""What is refused before any picture is decoded: too few pictures or votes, and splits without train or test."""

from __future__ import annotations

import ml_collections
import numpy as np

from etvae_tf.data.catalogue import Catalogue
from etvae_tf.data.questions import FEWEST_VOTES
from etvae_tf.data.sources import ImageSource
from etvae_tf.data.splits import draw_labels, hash_split, read_split, validation_mask
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError

__all__ = ["check_labels", "check_pictures", "split_of", "too_many_missing"]


def split_of(config: ml_collections.ConfigDict, catalogue: Catalogue) -> np.ndarray:
    """Which galaxies of a catalogue are test: bool array (N,).

    Raises:
        InputError: an unusable split.
    """
    if config.data.split:
        return read_split(config.data.split, catalogue.ids, catalogue.id_column)
    return hash_split(catalogue.ids, config.data.test_fraction, config.data.split_seed)


def check_labels(config: ml_collections.ConfigDict, catalogue: Catalogue, is_test: np.ndarray) -> None:
    """Refuses labels that cannot be drawn, and test galaxies that cannot be scored.

    Raises:
        InputError: too few train galaxies with votes, or no test galaxy with votes.
    """
    has_votes, set_aside = catalogue.has_votes, {"test galaxies": int(catalogue.has_votes[is_test].sum())}
    drawn = draw_labels(catalogue.ids[~is_test], has_votes[~is_test], config.n_labels, config.seed, set_aside)
    validation_mask(len(drawn), config.data.validation_fraction)
    if not catalogue.questions.asked(catalogue.votes[is_test]).any():
        few = f" ({FEWEST_VOTES} at least on a question that others lead to)" if has_votes[is_test].any() else ""
        raise InputError(
            f"none of the {int(is_test.sum())} test galaxies has votes{few}; put labelled galaxies in test."
        )


def check_pictures(config: ml_collections.ConfigDict, source: ImageSource, catalogue: Catalogue) -> None:
    """Refuses a table of whose galaxies with votes too many have no picture.

    Raises:
        InputError: more than the share of config.data.missing_pictures.
    """
    names, share = catalogue.ids[catalogue.has_votes], config.data.missing_pictures
    missing = [name for name in names if name not in source]
    if len(missing) > share * len(names):
        what = f"{len(missing)} of {len(names)} pictures are missing ({first_few(missing)})"
        raise InputError(too_many_missing(source, what, share))


def too_many_missing(source: ImageSource, what: str, share: float) -> str:
    """The sentence that says so, and how to mend it.

    Args:
        source: of the pictures.
        what: how many are missing.
        share: of those that may be left out.
    """
    return (
        f"{source.path}: {what}, more than the share of {share:g} that may be left out; add them as whole files named "
        "ID.jpg, take the galaxies out of the table, or raise --config.data.missing_pictures."
    )
