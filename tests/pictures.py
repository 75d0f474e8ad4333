"""Picture files of every kind, and what no decoder takes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

__all__ = ["broken_files", "picture_files"]


def picture_files() -> dict[str, bytes]:
    """Readable pictures by what they are, none of them square."""
    noise = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    colour = Image.fromarray(noise).resize((140, 100), Image.Resampling.BICUBIC)
    turned = colour.getexif()
    turned[274] = 6  # orientation: not followed, as in training
    deep = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 60)).astype(np.uint16))
    return {
        "jpeg": _encode(colour, "JPEG"),
        "progressive": _encode(colour, "JPEG", progressive=True),
        "oriented": _encode(colour, "JPEG", exif=turned),
        "grey jpeg": _encode(colour.convert("L"), "JPEG"),
        "cmyk jpeg": _encode(colour.convert("CMYK"), "JPEG"),
        "png": _encode(colour, "PNG"),
        "grey png": _encode(colour.convert("L"), "PNG"),
        "transparent png": _encode(colour.convert("RGBA"), "PNG"),
        "palette png": _encode(colour.convert("P"), "PNG"),
        "16 bit png": _encode(deep, "PNG"),
        "large jpeg": _encode(colour.resize((1500, 1100)), "JPEG"),
        "small png": _encode(colour.resize((9, 8)), "PNG"),
    }


def broken_files() -> dict[str, bytes]:
    """What no decoder takes."""
    files = picture_files()
    flipped = bytearray(files["png"])
    flipped[len(flipped) // 2] ^= 255
    return {
        "empty": b"",
        "text": b"no picture",
        "header alone": files["jpeg"][:20],
        "cut jpeg": files["jpeg"][: len(files["jpeg"]) // 2],
        "cut png": files["png"][: len(files["png"]) // 2],
        "damaged png": bytes(flipped),
        "tiff": _encode(Image.new("L", (8, 8)), "TIFF"),
    }


def _encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
