"""Sheets and maps of galaxies: what stands where."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.manifold import TSNE

from etvae_tf.inference import embedding_map
from etvae_tf.inference.drawings import draw_map, draw_sheet


def colours(path) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in np.array(Image.open(path).convert("RGB")).reshape(-1, 3)}


def flat(*levels: tuple[float, float, float]) -> np.ndarray:
    """Pictures of one colour each."""
    return np.broadcast_to(np.array(levels)[:, None, None], (len(levels), 8, 8, 3))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_shows_every_galaxy(tmp_path, channels):
    pictures = flat(*[(number / 10,) * 3 for number in range(10)])[..., :channels]
    draw_sheet(pictures, [*"abcdefghij"], "ten", tmp_path / "sheet.png")
    shown = colours(tmp_path / "sheet.png")
    for number in range(10):
        level = np.sqrt(number / 10) * 255
        assert any(np.ptp(colour) == 0 and abs(colour[0] - level) <= 1 for colour in shown), number


def test_a_map_puts_galaxies_where_they_lie(tmp_path):
    red, green, blue = np.eye(3)
    places = np.array([[-50.0, 7], [50, 7], [50, 9]])  # bottom left, bottom right, top right
    draw_map(places, flat(red, green, blue), "three", tmp_path / "map.png")
    drawn = np.array(Image.open(tmp_path / "map.png").convert("RGB"))
    middles = [np.argwhere((drawn == 255 * colour).all(axis=-1)).mean(axis=0) for colour in (red, green, blue)]
    assert abs(middles[0][0] - middles[1][0]) < 2 and middles[2][0] < middles[1][0] - 100
    assert abs(middles[2][1] - middles[1][1]) < 2 and middles[0][1] < middles[1][1] - 100


@pytest.mark.slow
def test_the_map_is_sklearns_and_repeats_itself(tmp_path, monkeypatch):
    latents = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    seen = []
    monkeypatch.setattr(embedding_map, "read_latents", lambda path: [(None, latents[:5]), (None, latents[5:])])
    monkeypatch.setattr(embedding_map, "read_pictures", lambda source, names, preparation: list(names))
    monkeypatch.setattr(embedding_map, "draw_map", lambda places, names, *_: seen.append((places, names)))
    names = [f"g{number:02}" for number in range(12)]
    listing = embedding_map.Listing(None, names, None)
    for _ in range(2):
        embedding_map.map_latents(tmp_path / "e.csv", listing, (8, 1, 1.0), tmp_path / "map.png")
    assert seen[0][1] == names
    expected = TSNE(perplexity=11 / 3, init="pca", random_state=0).fit_transform(latents)
    np.testing.assert_array_equal(seen[0][0], expected)
    np.testing.assert_array_equal(seen[1][0], expected)
