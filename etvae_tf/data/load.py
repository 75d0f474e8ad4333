"""From a config to the galaxies of a run: real ones from a table and pictures, or synthetic ones."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import fields
from pathlib import Path

import ml_collections
import numpy as np
import pandas as pd

from etvae_tf.data.cache import cached_images
from etvae_tf.data.catalogue import Catalogue, read_catalogue
from etvae_tf.data.checks import check_labels, check_pictures, split_of, too_many_missing
from etvae_tf.data.copies import are_copies, picture_hashes
from etvae_tf.data.galaxies import Galaxies, GalaxyData, SharedData, Survey
from etvae_tf.data.images import read_images
from etvae_tf.data.mapped import MappedPictures, join, select
from etvae_tf.data.questions import Questions
from etvae_tf.data.sources import ImageSource, listed_images, open_images
from etvae_tf.data.splits import draw_labels, draw_pool, validation_mask
from etvae_tf.data.synthetic import QUESTIONS as SYNTHETIC_QUESTIONS
from etvae_tf.data.synthetic import synthesise
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError, Problems

__all__ = ["data_fingerprints", "draw_data", "load_data", "load_labelled", "load_survey", "open_labelled"]


def load_data(config: ml_collections.ConfigDict) -> GalaxyData:
    """Loads all a run sees: `draw_data` of `load_survey`."""
    return draw_data(load_survey(config), config)


def load_survey(config: ml_collections.ConfigDict) -> Survey:
    """Loads and decodes all galaxies that runs with these data can see.

    The pool holds the pictures of every train galaxy, whatever n, and of `config.data.unlabelled`. A picture of a
    test galaxy is kept out of train and pool, under whatever id it comes, and also encoded anew, rescaled, mirrored or
    turned by quarter turns (see `are_copies`).

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

    Labelled copies of validation galaxies validate, too. The pool loses the pictures of validation galaxies and their
    copies, which watch whether training fits the pool. It is then cut to `config.data.pool_limit` pictures, but for
    that the same ones for every seed.

    Raises:
        InputError: fewer galaxies with votes than `config.n_labels`.
    """
    learn = survey.learn
    set_aside = {"test galaxies": len(survey.test), "copies of test galaxies": survey.copies_left_out["train"]}
    set_aside["without a readable picture"] = survey.copies_left_out["without_picture"]
    drawn = draw_labels(learn.ids, learn.has_votes, config.n_labels, config.seed, set_aside)
    validates = validation_mask(len(drawn), config.data.validation_fraction)
    if validates.any():
        hashes = picture_hashes(learn.images[drawn])
        validates |= are_copies(hashes, hashes[validates])
    validation = learn.select(drawn[validates])
    pool = _draw_pool(survey, validation, config.data.pool_limit)
    shared = {field.name: getattr(survey, field.name) for field in fields(SharedData)}
    return GalaxyData(**{**shared, **pool}, train=learn.select(drawn[~validates]), validation=validation)


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
    source = open_images(data.images) if data.images else open_labelled(config)[0]
    prints = {"table": _file_sha256(data.table), "images": source.fingerprint}
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
    source, catalogue = open_labelled(config)
    which = catalogue.has_votes & split_of(config, catalogue) if config.data.split else catalogue.has_votes
    if not which.any():
        raise InputError(f"none of the test galaxies of {config.data.split} has votes; put labelled galaxies in test.")
    source.tell_others()
    images, readable = _decode_readable(config, source, catalogue.ids[which])
    which[which] = readable
    if not which.any():
        raise InputError(f"{source.path} has no readable picture of the galaxies to score; add their pictures.")
    return Galaxies(catalogue.ids[which], images, catalogue.votes[which]), catalogue.questions


def _load_real(config: ml_collections.ConfigDict) -> Survey:
    problems = Problems()
    labelled = problems.attempt(open_labelled, config)
    unlabelled = problems.attempt(open_images, config.data.unlabelled) if config.data.unlabelled else None
    if labelled:
        problems.attempt(check_pictures, config, *labelled)
        is_test = problems.attempt(split_of, config, labelled[1])
        if is_test is not None:
            problems.attempt(check_labels, config, labelled[1], is_test)
    problems.refuse()
    source, catalogue = labelled
    for opened in (source, unlabelled) if unlabelled else (source,):
        opened.tell_others()
    there = catalogue.has_votes | np.isin(catalogue.ids, source.names)  # nothing is lost with a bare row
    images, readable = _decode_readable(config, source, catalogue.ids[there])
    there[there] = readable
    missing = catalogue.has_votes & ~there
    galaxies = Galaxies(catalogue.ids[there], images, catalogue.votes[there])
    test, train = galaxies.select(is_test[there]), galaxies.select(~is_test[there])
    if not test.has_votes.any():
        raise InputError(f"{source.path} has no readable picture of a test galaxy with votes; add their pictures.")
    del galaxies
    test_hashes = picture_hashes(test.images)
    copies, pool = _pool(train.ids, train.images, test_hashes)
    left_out = {"train": int((copies & train.has_votes).sum()), "pool": int(copies.sum())}
    left_out["without_picture"] = int(missing.sum())
    learn = Galaxies(pool["pool_ids"], pool["pool"], train.votes[~copies])
    if unlabelled:
        names = np.array(sorted(set(unlabelled.names) - set(catalogue.ids)), dtype=str)
        images, readable = _decode_readable(config, unlabelled, names)
        copies, extra = _pool(names[readable], images, test_hashes)
        left_out["pool"] += int(copies.sum())
        pool = {name: join(pool[name], extra[name]) for name in pool}
    if left_out["pool"]:
        print(
            f"left out as copies of test galaxies: {left_out['train']} train galaxies with votes, and "
            f"{left_out['pool']} pool pictures, theirs among them",
            flush=True,
        )
    return Survey(
        questions=catalogue.questions,
        learn=learn,
        test=test.select(test.has_votes),
        **pool,
        split=_split_table(catalogue.ids, is_test),
        fingerprints=data_fingerprints(config),
        copies_left_out=left_out,
    )


def _pool(
    ids: np.ndarray, images: np.ndarray | MappedPictures, test_hashes: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which pictures are copies of test galaxies, bool array (N,), and the others as a survey's pool."""
    hashes = picture_hashes(images)
    copies = are_copies(hashes, test_hashes)
    return copies, {"pool_ids": ids[~copies], "pool": select(images, ~copies), "pool_hashes": hashes[~copies]}


def _draw_pool(survey: Survey, validation: Galaxies, limit: int) -> dict[str, np.ndarray]:
    """The survey's pool without validation galaxies and their copies, cut to `limit` pictures where that is above 0."""
    pool = {name: getattr(survey, name) for name in ("pool_ids", "pool", "pool_hashes")}
    watched = np.isin(survey.pool_ids, validation.ids)
    watched |= are_copies(survey.pool_hashes, picture_hashes(validation.images))
    kept = np.flatnonzero(~watched)
    if limit:
        kept = kept[draw_pool(survey.pool_ids[kept], limit)]
    return pool if len(kept) == len(survey.pool) else {name: select(array, kept) for name, array in pool.items()}


def _make_synthetic(config: ml_collections.ConfigDict) -> Survey:
    data = config.data
    stray = [f"--{flag}" for flag in ("images", "unlabelled", "split", "cache_dir") if data[flag]]
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
        pool_hashes=picture_hashes(learn.images),
        split=_split_table(np.concatenate([learn.ids, test.ids]), is_test),
        fingerprints=data_fingerprints(config),
        copies_left_out={"train": 0, "pool": 0, "without_picture": 0},  # a sky shows no galaxy twice
        truth={"pose": test.pose},
    )


def open_labelled(config: ml_collections.ConfigDict) -> tuple[ImageSource, Catalogue]:
    """Opens the pictures and the table of the labelled galaxies; no picture is decoded.

    Args:
        config: a run's config, with a table.

    Raises:
        InputError: unusable input.
    """
    data = config.data
    problems = Problems()
    source = problems.attempt(open_images, data.images) if data.images else None
    read = functools.partial(
        read_catalogue,
        id_column=data.id_column,
        answer_columns=tuple(data.answer_columns),
        questions=tuple(data.get("questions", ())),  # older runs lack the field
        kind=data.label_kind,
        pseudo_count=data.pseudo_count,
        picture_names=source.names if source else (),
    )
    catalogue = problems.attempt(read, data.table)
    problems.refuse()
    return source or listed_images(data.table, catalogue.ids, catalogue.files), catalogue


def _decode_readable(
    config: ml_collections.ConfigDict, source: ImageSource, names: np.ndarray
) -> tuple[np.ndarray | MappedPictures, np.ndarray]:
    """Pictures that can be read, and which of the N they are, bool array (N,); refuses where too many cannot."""
    data = config.data
    preparation = (data.image_size, data.channels, data.crop_fraction)
    if data.cache_dir and len(names):
        images, readable = cached_images(data.cache_dir, source, names, *preparation)
    else:
        images, readable = read_images(source, names, *preparation)
    if readable.all():
        return images, readable
    unread = names[~readable]
    what = f"{len(unread)} of {len(names)} pictures are missing or cannot be decoded ({first_few(unread)})"
    if len(unread) > data.missing_pictures * len(names):
        raise InputError(too_many_missing(source, what, data.missing_pictures))
    print(f"left out: of {source.path} {what}", flush=True)
    return select(images, readable), readable


def _split_table(ids: np.ndarray, is_test: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "split": np.where(is_test, "test", "train")})


def _file_sha256(path: str | Path) -> str:
    if not Path(path).is_file():
        raise InputError(f"no table at {path}, expected a CSV or Parquet file; check the path.")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
