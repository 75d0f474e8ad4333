"""From config to galaxies: nothing of a test galaxy and no hidden label reaches training."""

from __future__ import annotations

import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from etvae_tf.config import get_config
from etvae_tf.data import batches, load_data, load_labelled, load_survey
from etvae_tf.data.mapped import MappedPictures
from etvae_tf.errors import InputError

COUNT = 60
SIZE = 16
MARK = 255  # every pixel of a test galaxy; no other picture is that bright
POISON = 1e6  # votes of galaxies whose labels are hidden


def picture(rng, test):
    pixels = np.full((SIZE, SIZE, 1), MARK) if test else rng.integers(0, 200, (SIZE, SIZE, 1))
    if test:  # so that they differ, and yet stay bright
        pixels[rng.integers(SIZE), rng.integers(SIZE)] = MARK - rng.integers(1, 50)
    return tf.io.encode_png(pixels.astype(np.uint8)).numpy()


def write_zip(path, pictures):
    with zipfile.ZipFile(path, "w") as archive:
        for name, encoded in pictures.items():
            archive.writestr(f"{name}.png", encoded)
    return path


def write_survey(folder):
    """A survey of marked test galaxies: its config, table, pictures by id, and folder."""
    rng = np.random.default_rng(0)
    ids = [str(1000 + number) for number in range(COUNT)]
    is_test = np.arange(COUNT) % 3 == 0
    pictures = {name: picture(rng, test) for name, test in zip(ids, is_test, strict=True)}
    table = pd.DataFrame(rng.integers(1, 30, (COUNT, 3)), columns=["smooth", "featured", "artifact"])
    table.insert(0, "id", ids)
    table.to_csv(folder / "votes.csv", index=False)
    split = pd.DataFrame({"id": ids, "split": np.where(is_test, "test", "train")})
    split.to_csv(folder / "split.csv", index=False)
    extra = {f"u{number}": picture(rng, False) for number in range(8)}
    extra |= {"u8": pictures["1000"], "1003": picture(rng, False), "1001": picture(rng, False)}
    config = get_config()
    config.n_labels = 12
    config.data.update(table=str(folder / "votes.csv"), split=str(folder / "split.csv"), image_size=SIZE)
    config.data.images = str(write_zip(folder / "images.zip", pictures))
    config.data.unlabelled = str(write_zip(folder / "extra.zip", extra))
    config.data.answer_columns = ("smooth", "featured", "artifact")
    return SimpleNamespace(config=config, table=table, is_test=is_test, folder=folder)


@pytest.fixture
def survey(tmp_path):
    return write_survey(tmp_path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """What is loaded of the survey as it is: each loading traces how pictures are decoded."""
    return load_data(write_survey(tmp_path_factory.mktemp("survey")).config)


def test_no_test_galaxy_reaches_training(survey, data):
    test_ids = set(survey.table["id"][survey.is_test])
    assert set(data.test.ids) == test_ids
    assert not test_ids & {*data.train.ids, *data.validation.ids, *data.pool_ids}
    for images in (data.train.images, data.validation.images, data.pool):
        assert images.max() < MARK  # by id (1003), and by content under another id (u8)
    seen = batches((data.pool, data.pool_ids), 8, 0, steps=12, augment_rotations=True)
    assert max(float(tf.reduce_max(images)) for images, _ in seen) < MARK / 255
    assert data.test.images.min() >= MARK - 50


def test_pool_is_every_train_picture_whatever_n(survey):
    survey.config.data.validation_fraction = 0.0
    pool_ids = load_data(survey.config).pool_ids
    train_ids = survey.table["id"][~survey.is_test]
    assert sorted(pool_ids) == sorted([*train_ids, *(f"u{number}" for number in range(8))])
    survey.config.n_labels = 3
    np.testing.assert_array_equal(load_data(survey.config).pool_ids, pool_ids)


def test_hidden_labels_stay_hidden(survey, data):
    drawn = {*data.train.ids, *data.validation.ids}
    assert len(drawn) == 12 and len(data.validation) == 2  # a tenth of 12, rounded up
    answers = list(survey.config.data.answer_columns)
    survey.table.loc[~survey.table["id"].isin(drawn), answers] = int(POISON)
    survey.table.to_csv(survey.config.data.table, index=False)
    poisoned = load_data(survey.config)
    for one, other in ((data.train, poisoned.train), (data.validation, poisoned.validation)):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.votes, other.votes)
        assert other.votes.max() < POISON
    np.testing.assert_array_equal(data.pool, poisoned.pool)


def test_votes_and_pictures_stay_with_their_ids(survey, data):
    votes = survey.table.set_index("id")
    shared = load_survey(survey.config)
    pool = dict(zip(shared.pool_ids, shared.pool, strict=True))
    for galaxies in (data.train, data.validation):
        np.testing.assert_array_equal(galaxies.votes, votes.loc[galaxies.ids].to_numpy())
        np.testing.assert_array_equal(galaxies.images, [pool[name] for name in galaxies.ids])
    assert data.questions.answers == ("smooth", "featured", "artifact")


def test_labels_are_nested_and_repeat(survey):
    small, again = load_data(survey.config), load_data(survey.config)
    np.testing.assert_array_equal(small.train.ids, again.train.ids)
    assert small.fingerprints == again.fingerprints
    assert set(small.fingerprints) == {"table", "images", "unlabelled", "split"}
    survey.config.n_labels = 30
    large = load_data(survey.config)
    assert set(small.train.ids) <= set(large.train.ids)
    assert set(small.validation.ids) <= set(large.validation.ids)
    np.testing.assert_array_equal(small.test.ids, large.test.ids)


def test_without_a_split_the_hash_decides_for_all_seeds_alike(survey):
    survey.config.data.split = ""
    one = load_data(survey.config)
    survey.config.seed = 1
    other = load_data(survey.config)
    np.testing.assert_array_equal(one.test.ids, other.test.ids)
    assert set(one.train.ids) != set(other.train.ids)
    assert set(one.split.loc[one.split["split"] == "test", "id"]) == set(one.test.ids)
    assert not set(one.test.ids) & set(one.pool_ids)


def test_a_train_galaxy_with_a_test_picture_is_left_out(survey):
    with zipfile.ZipFile(survey.config.data.images) as archive:
        pictures = {name.removesuffix(".png"): archive.read(name) for name in archive.namelist()}
    write_zip(survey.folder / "images.zip", pictures | {"1001": pictures["1000"]})
    survey.config.n_labels = 39  # all that remain
    data = load_data(survey.config)
    assert "1001" not in {*data.train.ids, *data.validation.ids, *data.pool_ids}


def test_scores_every_galaxy_with_votes(survey):
    test = load_labelled(survey.config)[0].ids.tolist()
    assert test == pd.read_csv(survey.config.data.split, dtype=str).query("split == 'test'")["id"].tolist()
    survey.config.data.split = ""
    galaxies, questions = load_labelled(survey.config)
    assert galaxies.ids.tolist() == survey.table["id"].tolist() and galaxies.votes.shape == (
        COUNT,
        len(questions.answers),
    )
    with pytest.raises(InputError, match="no table of galaxies to score"):
        load_labelled(get_config())


def test_rows_without_votes_give_pictures_only(survey):
    answers = list(survey.config.data.answer_columns)
    survey.table.loc[:5, answers] = 0
    survey.table.to_csv(survey.config.data.table, index=False)
    data = load_data(survey.config)
    bare = set(survey.table["id"][:6])
    assert not bare & {*data.train.ids, *data.validation.ids, *data.test.ids}
    assert bare & set(data.pool_ids) == {"1001", "1002", "1004", "1005"}
    survey.config.data.split = ""
    assert len(load_labelled(survey.config)[0]) == COUNT - 6


def broken_table(survey):
    survey.table.drop(columns="featured").to_csv(survey.config.data.table, index=False)


def broken_zip(survey):
    (survey.folder / "images.zip").write_bytes(b"PK\3\4 cut")


def picture_missing(survey):
    survey.table.assign(id=["x", *survey.table["id"][1:]]).to_csv(survey.config.data.table, index=False)
    survey.config.data.update(split="", missing_pictures=0.0)


def unreadable_in_pool(survey):
    write_zip(survey.folder / "extra.zip", {"u0": b"no picture"})


def test_few_missing_and_broken_pictures_are_left_out(survey, capsys):
    for file, broken, missing in (("images.zip", "1001", "1002"), ("extra.zip", "u1", "none")):
        with zipfile.ZipFile(survey.folder / file) as archive:
            pictures = {name.removesuffix(".png"): archive.read(name) for name in archive.namelist()}
        pictures[broken] = b"no picture"
        pictures.pop(missing, None)
        write_zip(survey.folder / file, pictures)
    left = {"1001", "1002", "u1"}
    survey.config.data.missing_pictures = 0.12
    data = load_data(survey.config)
    assert data.copies_left_out["without_picture"] == 2
    assert not left & {*data.pool_ids, *data.train.ids, *data.validation.ids}
    said = capsys.readouterr().out
    assert "images.zip 2 of 60 pictures are missing or cannot be decoded (1001, 1002)\n" in said
    assert "extra.zip 1 of 9 pictures are missing or cannot be decoded (u1)\n" in said
    survey.config.data.split = ""
    assert not left & set(load_labelled(survey.config)[0].ids) and len(load_labelled(survey.config)[0]) == 58
    survey.config.data.split = str(survey.folder / "split.csv")
    survey.config.n_labels = 39
    with pytest.raises(InputError, match="20 are test galaxies and 2 are without a readable picture"):
        load_data(survey.config)
    survey.config.data.missing_pictures = 0.03  # of 60 galaxies, 1.8
    with pytest.raises(InputError, match="more than the share of 0.03 that may be left out"):
        load_data(survey.config)


def test_votes_missing(survey):
    survey.table.loc[survey.is_test, list(survey.config.data.answer_columns)] = 0
    survey.table.to_csv(survey.config.data.table, index=False)
    with pytest.raises(InputError, match="none of the 20 test galaxies has votes"):
        load_data(survey.config)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (broken_table, "no column featured"),
        (broken_zip, "not a readable zip"),
        (
            picture_missing,
            r"images.zip: 1 of 60 pictures are missing \(x\), more than the share of 0 ",
        ),
        (
            unreadable_in_pool,
            r"extra.zip: 1 of 1 pictures are missing or cannot be decoded \(u0\), more than the share of 0.1 ",
        ),
        (
            lambda survey: survey.config.update(n_labels=41),
            "only 40 of the 60 galaxies with votes are train galaxies .20 are test",
        ),
        (lambda survey: survey.config.data.update(images=""), "--data given without --images"),
        (
            lambda survey: survey.config.data.update(table=""),
            "--images, --unlabelled, --split given without --data",
        ),
        (lambda survey: survey.config.data.update(unlabelled="absent.zip"), "no pictures at absent.zip"),
    ],
)
def test_refuses(survey, spoil, sentence):
    spoil(survey)
    with pytest.raises(InputError, match=sentence) as error:
        load_data(survey.config)
    assert "\n" not in str(error.value)


def test_synthetic_galaxies():
    config = get_config()
    config.n_labels = 20
    config.data.update(synthetic_train=50, synthetic_test=10, image_size=32)
    data = load_data(config)
    assert (len(data.train), len(data.validation), len(data.test), len(data.pool)) == (18, 2, 10, 48)
    assert set(data.train.ids) <= set(data.pool_ids)
    assert not {*data.test.ids, *data.validation.ids} & set(data.pool_ids)
    assert data.copies_left_out == {"train": 0, "pool": 0, "without_picture": 0}
    assert data.truth["pose"].shape == (10,) and data.split["split"].tolist() == ["train"] * 50 + ["test"] * 10
    config.seed = 1
    other = load_data(config)
    both = np.intersect1d(data.pool_ids, other.pool_ids)
    assert len(both) >= 46  # the same sky, but for either's validation galaxies
    np.testing.assert_array_equal(
        *(run.pool[np.argsort(run.pool_ids)][np.isin(np.sort(run.pool_ids), both)] for run in (data, other))
    )
    assert set(data.train.ids) != set(other.train.ids) and other.fingerprints == data.fingerprints
    config.n_labels = 51
    with pytest.raises(InputError, match="n_labels=51, but only 50 of the 60 galaxies with votes are train galaxies"):
        load_data(config)


def test_real_galaxies(real_data, tmp_path):
    counts = real_data / "counts"
    table = pd.read_csv(counts / "gz2_votes.csv", dtype=str)[:80]
    table.to_csv(tmp_path / "votes.csv", index=False)
    config = get_config()
    config.n_labels = 30
    config.data.update(table=str(tmp_path / "votes.csv"), images=str(counts / "images.zip"), image_size=32, channels=3)
    data = load_data(config)
    assert {*data.pool_ids, *data.validation.ids, *data.test.ids} == set(table["asset_id"])
    assert data.pool.shape[1:] == (32, 32, 3) and len(data.train) == 27 and len(data.validation) == 3
    assert data.train.votes.sum(axis=1).min() >= 22


def test_a_cache_changes_nothing(survey, data):
    survey.config.data.cache_dir = str(survey.folder / "cache")
    for _ in range(2):
        mapped = load_data(survey.config)
        assert isinstance(mapped.pool, MappedPictures) and isinstance(mapped.train.images, MappedPictures)
        for name in ("pool_ids", "pool", "pool_hashes"):
            np.testing.assert_array_equal(getattr(mapped, name), getattr(data, name))
        for part in ("train", "validation", "test"):
            np.testing.assert_array_equal(getattr(mapped, part).images, getattr(data, part).images)
            np.testing.assert_array_equal(getattr(mapped, part).votes, getattr(data, part).votes)
    assert len(list((survey.folder / "cache").iterdir())) == 2
