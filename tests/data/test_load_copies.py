"""Copies of test galaxies stay out of training, and those of validation galaxies out of the pool."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from etvae_tf.config import get_config
from etvae_tf.data import draw_data, load_data, load_survey, picture_hashes, synthesise
from etvae_tf.errors import InputError

SKY = synthesise(40, image_size=64).images


def write_zip(path, pictures):
    with zipfile.ZipFile(path, "w") as archive:
        for name, picture in pictures.items():
            archive.writestr(f"{name}.png", tf.io.encode_png(picture).numpy())
    return str(path)


def altered(picture: np.ndarray) -> np.ndarray:
    """The picture magnified, mirrored and turned, with the errors of JPEG compression."""
    larger = tf.image.resize(picture, (90, 90), "bicubic", antialias=True)
    encoded = tf.io.encode_jpeg(tf.saturate_cast(tf.round(larger), tf.uint8), quality=75)
    return np.rot90(tf.io.decode_jpeg(encoded).numpy()[::-1])


@pytest.fixture
def sky(tmp_path):
    """Writes 40 galaxies, 10 of them test, some with changed pictures, and an unlabelled set; returns their config."""
    ids = [f"g{number}" for number in range(40)]
    votes = pd.DataFrame({"id": ids, "one": range(1, 41), "other": 5})
    votes.to_csv(tmp_path / "votes.csv", index=False)
    pd.DataFrame({"id": ids, "split": ["test"] * 10 + ["train"] * 30}).to_csv(tmp_path / "split.csv", index=False)
    config = get_config()
    config.n_labels = 20
    config.data.update(table=str(tmp_path / "votes.csv"), split=str(tmp_path / "split.csv"), image_size=64)
    config.data.answer_columns = ("one", "other")
    pictures = dict(zip(ids, SKY, strict=True))

    def write(changed, extra):
        config.data.images = write_zip(tmp_path / "images.zip", {**pictures, **changed})
        config.data.unlabelled = write_zip(tmp_path / "extra.zip", extra)
        return config

    return write


def test_labelled_copies_of_validation_galaxies_validate(sky):
    fresh = {"u0": synthesise(1, start=40).images[0]}
    config = sky({}, fresh)
    plain = draw_data(load_survey(config), config)
    watched, learnt = plain.validation.ids[0], plain.train.ids[0]
    config = sky({learnt: altered(SKY[int(watched[1:])])}, fresh)
    data = draw_data(load_survey(config), config)
    assert {*data.validation.ids} == {*plain.validation.ids, learnt}
    assert {*data.train.ids} == {*plain.train.ids} - {learnt}


def test_altered_copies_of_test_galaxies_are_left_out_and_counted(sky, capsys):
    fresh = synthesise(5, start=40).images
    config = sky({"g10": altered(SKY[3])}, {"u0": altered(SKY[0]), "u1": altered(SKY[9]), "u2": fresh[0]})
    survey = load_survey(config)
    assert survey.copies_left_out == {"train": 1, "pool": 3, "without_picture": 0}
    assert not {"g10", "u0", "u1"} & {*survey.learn.ids, *survey.pool_ids} and "u2" in survey.pool_ids
    assert "left out as copies of test galaxies: 1 train galaxies with votes, and 3 pool" in capsys.readouterr().out
    np.testing.assert_array_equal(survey.pool_hashes, picture_hashes(survey.pool))
    data = draw_data(survey, config)
    assert data.copies_left_out == survey.copies_left_out
    np.testing.assert_array_equal(data.pool_hashes, picture_hashes(data.pool))
    config.n_labels = 30
    with pytest.raises(InputError, match=r"29 of the 40 .* \(10 are test galaxies and 1 are copies of test galaxies\)"):
        draw_data(survey, config)


def test_blank_pictures_are_copies_of_identical_ones_only(sky, capsys):
    blanks = {f"u{level}": np.full((64, 64, 1), level, np.uint8) for level in range(10)}
    survey = load_survey(sky({"g0": blanks["u3"]}, blanks))
    assert (
        survey.copies_left_out == {"train": 0, "pool": 1, "without_picture": 0}
        and "1 pool pictures" in capsys.readouterr().out
    )
    assert set(blanks) - set(survey.pool_ids) == {"u3"}


def test_validation_pictures_leave_the_pool(sky):
    config = sky({}, {f"u{number}": altered(picture) for number, picture in enumerate(SKY[10:], 10)})
    config.data.validation_fraction = 0.2
    data = load_data(config)
    held_out = {name[1:] for name in data.validation.ids}
    assert len(held_out) == 4
    assert {f"{kind}{name}" for kind in "gu" for name in held_out} & set(data.pool_ids) == set()
    assert len(data.pool) == len(data.pool_ids) == 60 - 8
    config.data.validation_fraction = 0.0
    survey = load_survey(config)
    assert draw_data(survey, config).pool is survey.pool  # nothing to take out, nothing to copy


def test_pool_limit_is_met_without_validation_pictures(sky):
    config = sky({}, {"u0": synthesise(1, start=50).images[0]})
    config.data.update(pool_limit=12, validation_fraction=0.2)
    data = load_data(config)
    assert len(data.pool) == 12 and not set(data.validation.ids) & set(data.pool_ids)
    config.seed = 1
    assert len(set(load_data(config).pool_ids) & set(data.pool_ids)) >= 12 - 4  # but for its validation galaxies
