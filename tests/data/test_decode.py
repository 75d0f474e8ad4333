"""Picture files of every kind become pixels: exact values, with pillow and astropy as writers."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import zipfile

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


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        ("plain", (12, 10)), ("gzip", (1, 12, 10)), ("bzip2", (3, 12, 10)), ("tiles", (12, 10)), ("tiles", (3, 12, 10)),
        ("plain", (1, 1, 12, 10)), ("plain", (1, 3, 12, 10)), ("plain", (12, 10, 1)), ("gzip", (12, 10, 3)),
    ],
)  # fmt: skip
def test_fits_pictures_are_stretched(tmp_path, form, shape):
    fits = pytest.importorskip("astropy.io.fits")
    values = np.random.default_rng(2).integers(0, 1000, shape).astype(np.int16)
    unit = fits.CompImageHDU(values) if form == "tiles" else fits.PrimaryHDU(values)
    path = tmp_path / {"gzip": "a.fit.gz", "bzip2": "a.fits.bz2"}.get(form, "a.fts")
    unit.writeto(tmp_path / "plain")
    content = (tmp_path / "plain").read_bytes()
    path.write_bytes({"gzip": gzip.compress, "bzip2": bz2.compress}.get(form, bytes)(content))
    values = np.moveaxis(values, -1, 0) if shape[-1] < 10 else values.reshape(-1, 12, 10)
    low, high = np.percentile(values, (1.0, 99.9))
    scaled = np.clip((values - low) / (high - low), 0, 1)
    expected = np.round(255 * np.arcsinh(scaled / 0.1) / np.arcsinh(10))[:, ::-1]
    np.testing.assert_array_equal(pixels(path.read_bytes()), np.moveaxis(np.broadcast_to(expected, (3, 12, 10)), 0, -1))
    assert open_images(tmp_path).names == ("a",)


@pytest.mark.parametrize(
    ("shape", "reason"), [((4, 9, 9), r"first image has the axes \(4, 9, 9\)"), ((5,), "FITS file without an image")]
)
def test_says_which_axes_are_no_picture(shape, reason):
    fits = pytest.importorskip("astropy.io.fits")
    file = io.BytesIO()
    fits.PrimaryHDU(np.zeros(shape, np.float32)).writeto(file)
    with pytest.raises(UnreadableError, match=reason):
        to_jpeg_or_png(file.getvalue())


def test_jpeg_2000_keeps_every_pixel_and_cmyk_its_colours():
    np.testing.assert_array_equal(pixels(saved(Image.fromarray(PIXELS), "jpeg2000")), PIXELS)
    colours = pixels(saved(Image.fromarray(PIXELS).convert("CMYK"), "tiff"))
    np.testing.assert_allclose(colours, PIXELS, atol=1)


def test_pages_and_large_files_of_tiff_are_read():
    first, second = (Image.fromarray(PIXELS[:, :, order]) for order in ([0, 1, 2], [2, 1, 0]))
    for options in ({"save_all": True, "append_images": [second]}, {"big_tiff": True}, {"compression": "tiff_lzw"}):
        np.testing.assert_array_equal(pixels(saved(first, "tiff", **options)), PIXELS)


def test_transparent_palettes_lie_on_black():
    palette = Image.fromarray(PIXELS).quantize(8)
    expected = np.where(np.asarray(palette)[..., None] == 3, 0, np.asarray(palette.convert("RGB")))
    np.testing.assert_array_equal(pixels(saved(palette, "png", transparency=3)), expected)


def test_zips_of_windows_have_backslashes(tmp_path):
    with zipfile.ZipFile(tmp_path / "sky.zip", "w") as archive:
        for name in ("a\\b\\1.jpg", "a\\2.JPG", "__MACOSX\\a\\._2.JPG", "a\\Thumbs.db"):
            archive.writestr(name, name)
    source = open_images(tmp_path / "sky.zip")
    assert source.names == ("1", "2") and source.read_file(source.files["2"]) == b"a\\2.JPG"
    assert source.others == ("a\\Thumbs.db",)


def test_without_astropy_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'etvae_tf\[astro\]'"):
        open_images(tmp_path)
