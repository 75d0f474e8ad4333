"""The whole table: what leaves it unchanged, what pictures it takes."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from profiles import draw, sersic, spiral
from tolerances import ENERGY_ATOL, MEASURE_ATOL, RESIZED_SPREADS, SINGLE_ATOL, TURNED_SPREADS

from etvae_tf.data import synthesise
from etvae_tf.errors import InputError
from etvae_tf.measures import measure, measure_centre

NOISE = np.random.default_rng(0)
PSF = 0.02  # of H: about that of SDSS in these cutouts
GALAXIES = {size: synthesise(8, seed=5, image_size=size, channels=3).images for size in (32, 33, 64)}


@functools.cache
def spread() -> pd.Series:
    """Standard deviation of each measure from galaxy to galaxy."""
    return measure(synthesise(100, channels=1).images).std()


def assert_same(first: pd.DataFrame, second: pd.DataFrame) -> None:
    for name in first:
        tolerance = ENERGY_ATOL if name.startswith("wavelet_") else MEASURE_ATOL
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("size", GALAXIES)
@pytest.mark.parametrize("turns", [1, 2])
def test_quarter_turns_change_nothing(size, turns):
    assert_same(measure(GALAXIES[size]), measure(np.rot90(GALAXIES[size], turns, axes=(1, 2))))


@pytest.mark.parametrize("size", GALAXIES)
@pytest.mark.parametrize("axes", [(1,), (2,), "transposed"])
def test_mirroring_changes_nothing(size, axes):
    images = GALAXIES[size]
    mirrored = np.swapaxes(images, 1, 2) if axes == "transposed" else np.flip(images, axes)
    assert_same(measure(images), measure(mirrored))


@pytest.mark.slow
def test_turning_by_any_angle_changes_little():
    angles = np.radians([0, 17, 45, 71, 260])
    tables = [
        measure(np.concatenate([draw(galaxy(angle), 64, 0.05, PSF) for angle in angles]))
        for galaxy in (spiral, lambda angle: sersic(1, 0.12, 0.5, angle), lambda angle: spiral(angle, arms=3))
    ]
    scatter = spread()
    for table in tables:
        change = (table - table.iloc[0]).abs().max() / scatter
        assert change.max() < TURNED_SPREADS, change.idxmax()


@pytest.mark.slow
def test_the_size_of_a_picture_changes_little():
    scatter = spread()
    for galaxy in (spiral(0.4), sersic(1, 0.12, 0.6, 1.0)):
        tables = pd.concat([measure(draw(galaxy, size, 0.05, PSF)) for size in (64, 256)])
        change = (tables - tables.iloc[0]).abs().max() / scatter
        assert change.max() < RESIZED_SPREADS, change.idxmax()


def odd_pictures(size: int) -> np.ndarray:
    """Pictures without a galaxy, (N, H, W, 3) in [0, 1]."""
    pixel = np.zeros((size, size, 3))
    pixel[size // 2, size // 2] = 1
    board = np.indices((size, size)).sum(axis=0)[..., None] % 2 * np.ones(3)
    hole = draw(sersic(1, 0.2), size)[0]
    return np.stack(
        [
            np.zeros((size, size, 3)),
            np.ones((size, size, 3)),
            np.full((size, size, 3), 0.3),
            np.full((size, size, 3), [0.1, 0.2, 0.7]),
            pixel,
            np.roll(pixel, size // 3, axis=0),
            board,
            np.repeat(1 - hole, 3, axis=-1),
            hole * [1, 0, 0],
            NOISE.random((size, size, 3)),
            NOISE.integers(0, 2, (size, size, 3)).astype(float),
            np.clip(NOISE.normal(0.05, 0.02, (size, size, 3)), 0, 1),
        ]
    )


@pytest.mark.parametrize("size", [32, 33, 64, 128])
def test_every_picture_has_finite_measures(size):
    images = odd_pictures(size)
    table = measure(images)
    assert np.isfinite(table.to_numpy()).all()
    assert table.abs().to_numpy().max() < 1e3
    assert_same(table, measure(np.rot90(images, axes=(1, 2))))


def test_pictures_without_light_are_measured_as_constant_light():
    black, white, grey = measure(odd_pictures(64)[:3]).to_dict("records")
    assert black == white | {"sky": 0.0} and grey == white | {"sky": pytest.approx(0.3)}
    expected = {"concentration": 5 * np.log10(2), "gini": 0, "m20": np.log10(0.2), "ellipticity": 0, "asymmetry": 0}
    expected |= {"radius_20": 0.45 * np.sqrt(0.2), "smoothness_1": 0, "ring_2_order_2": 0, "red": 0}
    for name, value in expected.items():
        assert black[name] == pytest.approx(value, abs=1e-6), name


def test_a_galaxy_is_measured_alike_alone_in_bytes_and_in_numbers():
    images = synthesise(40, channels=3).images
    table = measure(images)
    assert len(table) == 40 and list(table.index) == list(range(40))
    assert_same(table.iloc[[36]].reset_index(drop=True), measure(images[36:37]))
    assert_same(table, measure(images / 255.0))
    single = measure((images / 255.0).astype(np.float32))
    np.testing.assert_allclose(table, single, rtol=0, atol=SINGLE_ATOL)


def test_the_centre_is_measured_as_a_picture_of_its_own():
    images = GALAXIES[64]
    assert_same(measure_centre(images), measure(images[:, 13:51, 13:51]))
    rim = images.copy()
    rim[:, :12] = 255 - rim[:, :12]  # a companion there says nothing
    assert_same(measure_centre(images), measure_centre(rim))
    assert np.isfinite(measure_centre(odd_pictures(32)).to_numpy()).all()  # 20 pixels


def test_names_and_numbers_of_measures():
    colour, grey = measure(GALAXIES[64]), measure(GALAXIES[64][..., :1])
    energies = [name for name in colour if name.startswith("wavelet_")]
    assert len(energies) == 78 and len(colour.columns) == 44 + 78
    assert [name for name in colour if name not in grey] == [
        f"{where}{name}" for where in ("", "central_") for name in ("red", "green", "blue")
    ]
    assert set(colour.dtypes) == {np.dtype("float64")}


def test_no_pictures_give_an_empty_table():
    table = measure(np.zeros((0, 64, 64, 3), np.uint8))
    assert table.shape == (0, 122)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((2, 64, 60, 3), np.uint8),
        np.zeros((2, 31, 31, 1), np.uint8),
        np.zeros((2, 257, 257, 1), np.uint8),
        np.zeros((2, 64, 64, 4), np.uint8),
        np.zeros((2, 64, 64, 1), np.int64),
        np.zeros((2, 64, 64, 1), bool),
        np.full((2, 64, 64, 1), 1.5),
        np.full((2, 64, 64, 1), -0.1),
        np.full((2, 64, 64, 1), np.nan),
    ],
)
def test_unusable_pictures(images):
    with pytest.raises(InputError, match="came, expected .*; .*\\.$"):
        measure(images)
    with pytest.raises(InputError, match="came, expected .*; .*\\.$"):
        measure_centre(images)
