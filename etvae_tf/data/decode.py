"""Any picture file becomes one that the graph decodes: JPEGs and plain PNGs as they are, others as lossless PNGs."""

from __future__ import annotations

import bz2
import gzip
import importlib.util
import io
import warnings

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from etvae_tf.errors import InputError

__all__ = ["FITS_SUFFIXES", "PICTURE_SUFFIXES", "UnreadableError", "check_astropy", "to_jpeg_or_png"]

FITS_SUFFIXES = tuple(f".{name}{packed}" for name in ("fits", "fit", "fts") for packed in ("", ".gz", ".bz2", ".fz"))
PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".jp2", ".avif", *FITS_SUFFIXES
)  # fmt: skip
_STRETCH = 0.1  # a of the asinh: linear below, logarithmic above this fraction of the range
_PERCENTILES = (1.0, 99.9)  # of all pixels of all bands: they become 0 and 255
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_UNPACK = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress}  # by the first bytes, of FITS files


class UnreadableError(ValueError):
    """A file that is no picture; the message says why."""


def to_jpeg_or_png(content: bytes) -> bytes:
    """Any picture file as one that `preprocess` takes.

    JPEGs, and PNGs of 8 bits or less without transparency, come back unchanged. Otherwise pillow or astropy read it:
    transparent pixels are laid on black, 16 bits are divided by 257 (of RGB TIFFs the upper byte is taken), of an
    animation the first frame, of several pages the first one. FITS pictures have one band, or three, R, G, B, as their
    first or last axis, in the first HDU with an image, whose other axes of length one do not count; the first row is
    the lowest. Values between the 1st and 99.9th percentile of all bands together are stretched by
    `astropy.visualization.AsinhStretch(0.1)`; pixels that are not finite are black.

    Raises:
        UnreadableError: the file is no picture, or one of a form that is not read.
        InputError: a FITS picture without astropy.
    """
    if not content:
        raise UnreadableError("empty file")
    if content.startswith(_JPEG) or (content.startswith(_PNG) and _is_plain(content)):
        return content
    fits = content.startswith((b"SIMPLE  =", *_UNPACK))
    try:
        pixels = _fits_pixels(content) if fits else _pixels(content)
    except (UnreadableError, InputError):
        raise
    except UnidentifiedImageError as error:  # its message is a memory address
        raise UnreadableError("not a readable picture (of no known format)") from error
    except Exception as error:  # damaged files make decoders raise nearly everything
        raise UnreadableError(
            f"not a readable picture ({' '.join(str(error).split()) or type(error).__name__})"
        ) from error
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "png", compress_level=1)
    return encoded.getvalue()


def check_astropy() -> None:
    """Refuses FITS pictures in an installation without the extra `astro`."""
    if importlib.util.find_spec("astropy") is None:
        raise InputError("FITS pictures need astropy, which is not installed; run pip install 'etvae_tf[astro]'.")


def _is_plain(png: bytes) -> bool:
    """Whether a PNG has at most 8 bits and no transparency (alpha channel, or a tRNS chunk before the pixels)."""
    return len(png) > 25 and png[24] <= 8 and png[25] not in (4, 6) and b"tRNS" not in png[: png.find(b"IDAT")]


def _pixels(content: bytes) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3) of what pillow reads."""
    if content.startswith(_PNG) and content[24:25] == b"\x10":  # pillow drops the lower byte of colours
        return _on_black(_from_16_bits(tf.io.decode_png(content, dtype=tf.uint16).numpy()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # surveys have large pictures
        with Image.open(io.BytesIO(content)) as picture:
            picture.seek(0)
            if picture.mode == "F":
                raise UnreadableError("pixels are floating-point numbers without a range; store it as FITS")
            if picture.mode.startswith("I"):
                values = np.asarray(picture)
                if values.min() < 0 or values.max() > 65535:
                    raise UnreadableError("pixels have more than 16 bits; store it as FITS")
                return _from_16_bits(values)
            if picture.has_transparency_data:
                return _on_black(np.asarray(picture.convert("RGBA")))
            return np.asarray(picture.convert("RGB"))


def _from_16_bits(values: np.ndarray) -> np.ndarray:
    return np.round(values / 257.0).astype(np.uint8)


def _on_black(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 1 to 4), grey or RGB with or without alpha; without it (H, W) or (H, W, 3)."""
    if pixels.shape[-1] in (2, 4):
        pixels = np.round(pixels[..., :-1] * (pixels[..., -1:] / 255.0)).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def _fits_pixels(content: bytes) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3) of a FITS picture."""
    check_astropy()
    from astropy.io import fits
    from astropy.visualization import AsinhStretch

    for first, unpack in _UNPACK.items():
        if content.startswith(first):
            content = unpack(content)
    with fits.open(io.BytesIO(content)) as units:
        found = (unit.data for unit in units if unit.is_image and unit.data is not None and unit.data.ndim > 1)
        values = np.asarray(_bands(next(found, np.empty(0))), np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise UnreadableError("FITS picture without a finite pixel")
    low, high = np.percentile(values[finite], _PERCENTILES)
    scaled = np.clip((np.where(finite, values, low) - low) / (high - low if high > low else 1.0), 0, 1)
    stretched = np.round(255 * AsinhStretch(_STRETCH)(scaled)).astype(np.uint8)
    stretched = np.where(finite, stretched, 0).astype(np.uint8)[:, ::-1]  # FITS counts rows from below
    return stretched[0] if len(stretched) == 1 else np.moveaxis(stretched, 0, -1)


def _bands(values: np.ndarray) -> np.ndarray:
    """A FITS image as (1, H, W) or (3, H, W)."""
    while values.ndim > 3 and len(values) == 1:
        values = values[0]
    if values.ndim == 2:
        values = values[None]
    if values.ndim == 3 and len(values) not in (1, 3) and values.shape[-1] in (1, 3):
        values = np.moveaxis(values, -1, 0)
    if values.ndim != 3 or len(values) not in (1, 3):
        raise UnreadableError(
            f"FITS file whose first image has the axes {values.shape}; expected (H, W), or one or three bands"
            if values.size
            else "FITS file without an image"
        )
    return values
