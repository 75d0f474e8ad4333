"""Copies are found however they were encoded, scaled, mirrored or turned, and other galaxies are let through."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from tolerances import COPIES_FOUND, OTHERS_LOST

from etvae_tf.data import are_copies, hashes_from_text, hashes_to_text, picture_hashes, synthesise
from etvae_tf.data.images import load_images, open_images, preprocess
from etvae_tf.errors import InputError

FILTERS = tuple(Image.Resampling)


@cache
def galaxies() -> np.ndarray:
    """200 pictures (H, W, 3); not at import, for every worker imports every file."""
    return synthesise(200, image_size=128, channels=3).images


@cache
def altered_galaxies() -> list[bytes]:
    return [altered(picture, number) for number, picture in enumerate(galaxies())]


def altered(picture: np.ndarray, number: int) -> bytes:
    """A JPEG file of a picture (H, W, 3), scaled by 0.5 to 2, mirrored and turned: each number does it otherwise."""
    rng = np.random.default_rng(number)
    side = round(len(picture) * float(2 ** rng.uniform(-1, 1)))
    scaled = np.asarray(Image.fromarray(picture).resize((side, side), FILTERS[number % len(FILTERS)]))
    moved = np.rot90(scaled if number // 4 % 2 else scaled[:, ::-1], number % 4)
    buffer = io.BytesIO()
    Image.fromarray(moved).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def decoded(files, size, channels):
    prepare = tf.function(lambda file: preprocess(file, size, channels))  # traced, as training does
    return np.stack([prepare(tf.constant(file)).numpy() for file in files])


def png(picture):
    return tf.io.encode_png(picture).numpy()


def turned_and_mirrored(picture):
    return [np.rot90(one, turns) for one in (picture, picture[:, ::-1]) for turns in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "channels"), [(64, 3), (32, 1), (128, 1)])
def test_altered_copies_are_found_and_others_are_not(size, channels):
    known = picture_hashes(decoded(map(png, galaxies()), size, channels))
    copies = decoded(altered_galaxies(), size, channels)
    hashes = picture_hashes(copies)
    assert are_copies(hashes, known).mean() >= COPIES_FOUND
    own = [are_copies(hashes[[row]], known[[row]])[0] for row in range(len(known))]
    assert np.mean(own) >= COPIES_FOUND  # and of the right galaxy
    assert not are_copies(hashes[:100], known[100:]).any()


def test_identical_pictures_are_always_copies():
    strange = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    strange[1:4] = np.array([0, 7, 255], np.uint8)[:, None, None, None]
    hashes = picture_hashes(strange)
    assert are_copies(hashes, picture_hashes(strange.copy())).all()
    assert hashes.shape == (5, 216) and hashes.dtype == np.uint8 and len(np.unique(hashes, axis=0)) == 5


def test_turned_and_mirrored_pictures_are_copies():
    for size, channels in ((64, 1), (33, 3)):
        picture = synthesise(1, image_size=size, channels=channels).images[0]
        assert are_copies(picture_hashes(np.stack(turned_and_mirrored(picture))), picture_hashes(picture[None])).all()


def test_pictures_without_structure_or_of_noise_are_no_copies_of_each_other():
    rng = np.random.default_rng(0)
    faint = rng.integers(9, 13, (50, 32, 32, 1), dtype=np.uint8)  # grey levels 9 to 12
    noise = rng.integers(0, 256, (50, 32, 32, 1), dtype=np.uint8)
    levels = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None], (50, 32, 32, 1))
    hashes = picture_hashes(np.concatenate([faint, noise, levels]))
    np.testing.assert_array_equal(
        [are_copies(hashes[[row]], np.delete(hashes, row, axis=0))[0] for row in range(150)], False
    )


def test_hashes_survive_a_table(tmp_path):
    hashes = picture_hashes(galaxies()[:5])
    pd.DataFrame({"id": range(5), "hash": hashes_to_text(hashes)}).to_csv(tmp_path / "hashes.csv", index=False)
    read = hashes_from_text(pd.read_csv(tmp_path / "hashes.csv", dtype=str)["hash"])
    np.testing.assert_array_equal(read, hashes)
    np.testing.assert_array_equal(are_copies(hashes, read[:2]), [True, True, False, False, False])


def test_nothing_is_a_copy_of_nothing():
    nothing = picture_hashes(galaxies()[:0])
    assert nothing.shape == (0, 216) and not are_copies(picture_hashes(galaxies()[:2]), nothing).any()
    assert are_copies(nothing, picture_hashes(galaxies()[:2])).shape == (0,)


@pytest.mark.parametrize("other", ["ab", "g" * 432, float("nan")])
def test_refuses_other_hashes(other):
    with pytest.raises(InputError, match="432 hexadecimal digits were expected"):
        hashes_from_text([*hashes_to_text(picture_hashes(galaxies()[:1])), other])


def test_many_blocks_agree_with_one(monkeypatch):
    hashes = picture_hashes(galaxies()[:60])
    whole = are_copies(hashes, hashes[::3])
    monkeypatch.setattr("etvae_tf.data.copies._BLOCK", 28)
    np.testing.assert_array_equal(are_copies(hashes, hashes[::3]), whole)
    assert whole[::3].all() and not whole[1::3].any()


@pytest.mark.slow
def test_known_copies_among_real_galaxies(real_data):
    table = pd.read_csv(real_data / "counts" / "same_picture_in_other_sets.csv", dtype=str)
    sources = {"labelled": "kaggle", "unlabelled": "unlabelled"}
    others = {name: open_images(real_data / folder / "images.zip") for name, folder in sources.items()}
    files = [others[row.kaggle_set].read(row.kaggle_galaxy_id) for row in table.itertuples()]
    counts = open_images(real_data / "counts" / "images.zip")
    hashes = picture_hashes(load_images(counts, counts.names, 64, 1))
    listed = np.isin(counts.names, table["asset_id"])
    same = are_copies(hashes, picture_hashes(decoded(files, 64, 1)))
    np.testing.assert_array_equal(same, listed)


@pytest.mark.slow
def test_real_galaxies(real_data, size=64, channels=1):
    split = pd.read_csv(real_data / "kaggle" / "split.csv", dtype=str)
    kaggle, pool = (open_images(real_data / folder / "images.zip") for folder in ("kaggle", "unlabelled"))
    names = split["GalaxyID"][split["split"] == "test"].to_list()
    known = picture_hashes(load_images(kaggle, names, size, channels))
    pictures = [tf.io.decode_jpeg(kaggle.read(name)).numpy() for name in names]
    copies = decoded((altered(picture, number) for number, picture in enumerate(pictures)), size, channels)
    assert are_copies(picture_hashes(copies), known).mean() >= COPIES_FOUND
    others = picture_hashes(load_images(pool, pool.names[::5], size, channels))
    assert are_copies(others, known).mean() <= OTHERS_LOST
