"""From a config to the galaxies of a run: real ones from a table and pictures, or synthetic ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import ml_collections
import numpy as np
import pandas as pd

from etvae_tf.data.catalogue import Catalogue, read_catalogue
from etvae_tf.data.galaxies import Galaxies, GalaxyData, Survey
from etvae_tf.data.images import ImageSource, load_images, open_images
from etvae_tf.data.questions import Questions
from etvae_tf.data.splits import draw_labels, hash_split, read_split, validation_mask
from etvae_tf.data.synthetic import QUESTIONS as SYNTHETIC_QUESTIONS
from etvae_tf.data.synthetic import synthesise
from etvae_tf.errors import InputError

__all__ = ["data_fingerprints", "draw_data", "load_data", "load_labelled", "load_survey"]


def load_data(config: ml_collections.ConfigDict) -> GalaxyData:
    """Loads all a run sees: `draw_data` of `load_survey`."""
    return draw_data(load_survey(config), config)


def load_survey(config: ml_collections.ConfigDict) -> Survey:
    """Loads and decodes all galaxies that runs with these data can see.

    The pool holds the pictures of every train galaxy, whatever n, and of `config.data.unlabelled`. A picture of a
    test galaxy is kept out of train and pool, under whatever id it comes.

    Args:
        config: a run's config; `config.data.table` is empty for synthetic galaxies.

    Returns:
        The galaxies, the split and the inputs' fingerprints.

    Raises:
        InputError: any unusable input; cheap checks come before pictures are decoded.
    """
    return _load_real(config) if config.data.table else _make_synthetic(config)


def draw_data(survey: Survey, config: ml_collections.ConfigDict) -> GalaxyData:
    """Draws the n labels of a run from the train galaxies by `config.seed`, and splits them into train and validation.

    The pool is cut to `config.data.pool_limit` pictures, the same ones for every seed.

    Raises:
        InputError: fewer galaxies with votes than `config.n_labels`.
    """
    learn = survey.learn
    drawn = draw_labels(learn.ids, learn.votes.sum(axis=1) > 0, config.n_labels, config.seed)
    validates = validation_mask(config.n_labels, config.data.validation_fraction)
    limit = config.data.pool_limit or len(survey.pool)
    pool = np.sort(draw_labels(survey.pool_ids, np.full(len(survey.pool), True), min(limit, len(survey.pool)), 0))
    return GalaxyData(
        questions=survey.questions,
        train=learn.select(drawn[~validates]),
        validation=learn.select(drawn[validates]),
        test=survey.test,
        pool_ids=survey.pool_ids[pool],
        pool=survey.pool[pool] if limit < len(survey.pool) else survey.pool,
        split=survey.split,
        fingerprints=survey.fingerprints,
        truth=survey.truth,
    )


def data_fingerprints(config: ml_collections.ConfigDict) -> dict[str, str]:
    """What the galaxies of a config depend on, by name of the input, without decoding any picture.

    Args:
        config: a run's config.

    Returns:
        SHA-256 of table and split, of the pictures' names and contents, or the settings of synthetic galaxies.

    Raises:
        InputError: an input is missing.
    """
    data = config.data
    if not data.table:
        settings = {"seed": data.synthetic_seed, "image_size": data.image_size, "channels": data.channels}
        settings |= {"train": data.synthetic_train, "test": data.synthetic_test}
        return {"synthetic": " ".join(f"{name}={value}" for name, value in settings.items())}
    if not data.images:
        raise InputError("--data given without --images; name the folder or zip file of its pictures.")
    prints = {"table": _file_sha256(data.table), "images": open_images(data.images).fingerprint}
    if data.unlabelled:
        prints["unlabelled"] = open_images(data.unlabelled).fingerprint
    if data.split:
        prints["split"] = _file_sha256(data.split)
    return prints


def load_labelled(config: ml_collections.ConfigDict) -> tuple[Galaxies, Questions]:
    """Loads the galaxies with votes of a table, to score a trained model on.

    Args:
        config: `config.data.table` and `config.data.images` name the galaxies; where `config.data.split` is given, its
            test galaxies alone are loaded.

    Returns:
        The galaxies (N > 0), and the questions whose votes they have.

    Raises:
        InputError: any unusable input.
    """
    if not config.data.table:
        raise InputError("no table of galaxies to score; give one with --data, and its pictures with --images.")
    source, catalogue = _open(config)
    which = catalogue.has_votes & _split(config, catalogue) if config.data.split else catalogue.has_votes
    if not which.any():
        raise InputError(f"none of the test galaxies of {config.data.split} has votes; put labelled galaxies in test.")
    images = _decode(config, source, catalogue.ids[which])
    return Galaxies(catalogue.ids[which], images, catalogue.votes[which]), catalogue.questions


def _load_real(config: ml_collections.ConfigDict) -> Survey:
    source, catalogue = _open(config)
    unlabelled = open_images(config.data.unlabelled) if config.data.unlabelled else None
    is_test = _split(config, catalogue)
    _check_labels(config, catalogue, is_test)
    there = catalogue.has_votes | np.isin(catalogue.ids, source.names)  # nothing is lost with a bare row
    galaxies = Galaxies(catalogue.ids[there], _decode(config, source, catalogue.ids[there]), catalogue.votes[there])
    test, learn = galaxies.select(is_test[there]), galaxies.select(~is_test[there])
    del galaxies
    test_pictures = set(_content(test.images))
    learn = learn.select(_unknown(learn.images, test_pictures))
    pool_ids, pool = learn.ids, learn.images
    if unlabelled:
        names = np.array(sorted(set(unlabelled.names) - set(catalogue.ids)), dtype=str)
        extra = _decode(config, unlabelled, names)
        fresh = _unknown(extra, test_pictures)
        pool_ids, pool = np.concatenate([pool_ids, names[fresh]]), np.concatenate([pool, extra[fresh]])
    return Survey(
        questions=catalogue.questions,
        learn=learn,
        test=test.select(test.votes.sum(axis=1) > 0),
        pool_ids=pool_ids,
        pool=pool,
        split=_split_table(catalogue.ids, is_test),
        fingerprints=data_fingerprints(config),
    )


def _make_synthetic(config: ml_collections.ConfigDict) -> Survey:
    data = config.data
    stray = [f"--{flag}" for flag in ("images", "unlabelled", "split") if data[flag]]
    if stray:
        raise InputError(f"{', '.join(stray)} given without --data; name the table of votes with --data as well.")
    if data.synthetic_train < 1 or data.synthetic_test < 1:
        raise InputError(
            f"synthetic_train={data.synthetic_train}, synthetic_test={data.synthetic_test}; expected at least 1 each."
        )
    shape = {"seed": data.synthetic_seed, "image_size": data.image_size, "channels": data.channels}
    learn = synthesise(data.synthetic_train, **shape)
    test = synthesise(data.synthetic_test, start=data.synthetic_train, **shape)
    is_test = np.arange(data.synthetic_train + data.synthetic_test) >= data.synthetic_train
    return Survey(
        questions=SYNTHETIC_QUESTIONS,
        learn=Galaxies(learn.ids, learn.images, learn.votes),
        test=Galaxies(test.ids, test.images, test.votes),
        pool_ids=learn.ids,
        pool=learn.images,
        split=_split_table(np.concatenate([learn.ids, test.ids]), is_test),
        fingerprints=data_fingerprints(config),
        truth={"pose": test.pose},
    )


def _open(config: ml_collections.ConfigDict) -> tuple[ImageSource, Catalogue]:
    """The pictures and the table of the labelled galaxies."""
    data = config.data
    if not data.images:
        raise InputError("--data given without --images; name the folder or zip file of its pictures.")
    source = open_images(data.images)
    catalogue = read_catalogue(
        data.table,
        id_column=data.id_column,
        answer_columns=tuple(data.answer_columns),
        kind=data.label_kind,
        pseudo_count=data.pseudo_count,
        picture_names=source.names,
    )
    return source, catalogue


def _decode(config: ml_collections.ConfigDict, source: ImageSource, names: np.ndarray) -> np.ndarray:
    return load_images(source, names, config.data.image_size, config.data.channels, config.data.crop_fraction)


def _split(config: ml_collections.ConfigDict, catalogue: Catalogue) -> np.ndarray:
    """bool array (N,): true for test."""
    if config.data.split:
        return read_split(config.data.split, catalogue.ids, catalogue.id_column)
    return hash_split(catalogue.ids, config.data.test_fraction, config.data.split_seed)


def _check_labels(config: ml_collections.ConfigDict, catalogue: Catalogue, is_test: np.ndarray) -> None:
    """Refuses what cannot be drawn, before any picture is decoded."""
    draw_labels(catalogue.ids[~is_test], catalogue.has_votes[~is_test], config.n_labels, config.seed)
    validation_mask(config.n_labels, config.data.validation_fraction)
    if not catalogue.has_votes[is_test].any():
        raise InputError(f"none of the {int(is_test.sum())} test galaxies has votes; put labelled galaxies in test.")


def _content(images: np.ndarray) -> list[bytes]:
    """A digest per picture."""
    return [hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).digest() for image in images]


def _unknown(images: np.ndarray, pictures: set[bytes]) -> np.ndarray:
    """bool array (N,): the images that are not among `pictures`."""
    return np.array([digest not in pictures for digest in _content(images)], bool)


def _split_table(ids: np.ndarray, is_test: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "split": np.where(is_test, "test", "train")})


def _file_sha256(path: str | Path) -> str:
    if not Path(path).is_file():
        raise InputError(f"no table at {path}, expected a CSV or Parquet file; check the path.")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
