"""Picture files of every kind become pixels: exact values, with pillow and astropy as writers."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from etvae_tf.data.decode import UnreadableError, to_jpeg_or_png
from etvae_tf.data.images import open_images
from etvae_tf.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def pixels(content: bytes) -> np.ndarray:
    return tf.io.decode_image(to_jpeg_or_png(content), channels=3, expand_animations=False).numpy()


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_jpegs_and_plain_pngs_stay_as_they_are(kind):
    for picture in (Image.fromarray(PIXELS), Image.fromarray(PIXELS[..., 0]), Image.fromarray(PIXELS).convert("1")):
        content = saved(picture, kind)
        assert to_jpeg_or_png(content) is content


@pytest.mark.parametrize(("kind", "options"), [("tiff", {}), ("bmp", {}), ("webp", {"lossless": True})])
def test_lossless_files_keep_every_pixel(kind, options):
    np.testing.assert_array_equal(pixels(saved(Image.fromarray(PIXELS), kind, **options)), PIXELS)


def test_an_animation_gives_its_first_frame():
    frames = [Image.fromarray(PIXELS[..., channel]) for channel in range(2)]
    found = pixels(saved(frames[0], "gif", save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(found, np.repeat(PIXELS[..., :1], 3, axis=-1))


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_transparent_pixels_lie_on_black(kind):
    alpha = np.tile(np.array([0, 51, 255, 102, 255], np.uint8), (12, 2))
    picture = Image.fromarray(np.concatenate([PIXELS, alpha[..., None]], axis=-1))
    expected = np.round(PIXELS * (alpha[..., None] / 255.0))
    np.testing.assert_array_equal(pixels(saved(picture, kind)), expected)


def test_16_bits_are_divided_by_257():
    values = np.random.default_rng(1).integers(0, 65536, (12, 10, 3)).astype(np.uint16)
    expected = np.round(values / 257.0)
    np.testing.assert_array_equal(pixels(tf.io.encode_png(values).numpy()), expected)
    for kind in ("png", "tiff"):
        grey = pixels(saved(Image.fromarray(values[..., 0]), kind))
        np.testing.assert_array_equal(grey, np.repeat(expected[..., :1], 3, axis=-1))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"words", "not a readable picture"),
        (b"SIMPLE  = no", "not a readable picture"),
        (saved(Image.fromarray(PIXELS[..., 0].astype(np.float32)), "tiff"), "store it as FITS"),
        (saved(Image.fromarray(PIXELS[..., 0].astype(np.int32) + 65536), "tiff"), "more than 16 bits"),
    ],
)
def test_says_why_a_file_is_unreadable(content, reason):
    with pytest.raises(UnreadableError, match=reason):
        to_jpeg_or_png(content)


@pytest.mark.parametrize("form", ["plain", "gzip", "tiles"])
@pytest.mark.parametrize("shape", [(12, 10), (1, 12, 10), (3, 12, 10)])
def test_fits_pictures_are_stretched(tmp_path, form, shape):
    fits = pytest.importorskip("astropy.io.fits")
    values = np.random.default_rng(2).integers(0, 1000, shape).astype(np.int16)
    unit = fits.CompImageHDU(values) if form == "tiles" else fits.PrimaryHDU(values)
    path = tmp_path / ("a.fits.gz" if form == "gzip" else "a.fits")
    unit.writeto(path)
    low, high = np.percentile(values, (1.0, 99.9))
    scaled = np.clip((values.reshape(-1, 12, 10) - low) / (high - low), 0, 1)
    expected = np.round(255 * np.arcsinh(scaled / 0.1) / np.arcsinh(10))[:, ::-1]
    np.testing.assert_array_equal(pixels(path.read_bytes()), np.moveaxis(np.broadcast_to(expected, (3, 12, 10)), 0, -1))
    assert open_images(tmp_path).names == ("a",)


def test_without_astropy_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'etvae_tf\[astro\]'"):
        open_images(tmp_path)
