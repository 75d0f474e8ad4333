"""Which pictures are copies of others: encoded anew, rescaled, mirrored or turned by quarter turns.

A picture's hash is its perceptual hash (`imagehash.phash`: for each of its 24 x 24 lowest cosine coefficients, whether
it lies above their median) and a view of it in 12 x 12 grey pixels. Galaxies are bright blobs on dark sky: many share
the usual 8 x 8 coefficients. Copies are those that nearly agree in both: the bits tell faint galaxies apart, whose
pixels differ little, and the pixels tell smooth ones apart, whose finer coefficients are noise.

Mirroring changes the sign of every odd coefficient along one axis and transposing exchanges the axes, so the hashes of
the eight mirrored and turned copies follow from one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

import imagehash
import numpy as np
from PIL import Image

from etvae_tf.errors import InputError

__all__ = ["are_copies", "hashes_from_text", "hashes_to_text", "picture_hashes"]

_SIDE = 24  # coefficients along each axis
_BITS = _SIDE**2
_VIEW = 12  # pixels along each axis
_BYTES = _BITS // 8 + _VIEW**2
# Real and synthetic galaxies of 32 to 128 pixels: see tests/data/test_copies.py.
_MOST_BITS = 140  # in which copies differ; noise alone makes unlike pictures differ in half of 576
_MOST_RMS = 2.0  # grey levels, root mean square over the view
_FLAT = 3  # grey levels between the darkest and the brightest pixel, up to which a picture shows rounding at most
_BLOCK, _KNOWN_BLOCK = 2048, 1024  # hashes compared at once, the known ones eight times: a matrix of some 64 MB


def picture_hashes(images: np.ndarray) -> np.ndarray:
    """Hashes of pictures, which nearly agree for copies, whatever their size and whether grey or colour.

    A picture without structure (its grey levels span 3 at most, e.g. all black) has a hash of its exact pixels, so that
    only pictures of identical pixels are its copies.

    Args:
        images: uint8 array (N, H, W, C), C of 1 or 3.

    Returns:
        uint8 array (N, 216), equal for identical pictures.
    """
    hashes = np.empty((len(images), _BYTES), np.uint8)  # a list of a million of them would take twice the room
    for row, picture in enumerate(images):
        hashes[row] = _hash(picture)
    return hashes


def are_copies(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tells which pictures are, mirrored, turned or not, copies of any known one.

    Args:
        hashes: uint8 array (N, 216), of `picture_hashes`.
        known: uint8 array (M, 216), of `picture_hashes`.

    Returns:
        bool array (N,).
    """
    found = np.zeros(len(hashes), bool)
    for start in range(0, len(known), _KNOWN_BLOCK):
        known_signs, known_views = _eight_copies(known[start : start + _KNOWN_BLOCK])
        for first in range(0, len(hashes), _BLOCK):
            signs, views = (array.reshape(len(array), -1) for array in _unpack(hashes[first : first + _BLOCK]))
            agreement = signs @ known_signs.T  # equal bits minus others: exact, a sum of +-1
            row, column = np.nonzero(agreement >= _BITS - 2 * _MOST_BITS)
            difference = views[row] - known_views[column]
            found[first + row[np.mean(difference**2, axis=1) <= _MOST_RMS**2]] = True
    return found


def hashes_to_text(hashes: np.ndarray) -> list[str]:
    """Hashes, uint8 array (N, 216), as hexadecimal digits, for a column of a table."""
    return [row.tobytes().hex() for row in hashes]


def hashes_from_text(texts: Sequence[str]) -> np.ndarray:
    """What `hashes_to_text` was given: uint8 array (N, 216).

    Raises:
        InputError: a text is no hash of this kind.
    """
    for text in texts:
        if not re.fullmatch(f"[0-9a-f]{{{2 * _BYTES}}}", str(text)):
            raise InputError(
                f"{text!r} came as the hash of a picture, but {2 * _BYTES} hexadecimal digits were expected; hash the "
                "pictures anew with this release."
            )
    return np.frombuffer(bytes.fromhex("".join(texts)), np.uint8).reshape(-1, _BYTES)


def _hash(picture: np.ndarray) -> np.ndarray:
    """Of a picture (H, W, C): its bits, then its view, uint8 array (216,)."""
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).convert("L")
    darkest, brightest = image.getextrema()
    if brightest - darkest <= _FLAT:
        bits = np.frombuffer(hashlib.shake_256(picture.tobytes()).digest(_BITS // 8), np.uint8)
    else:
        bits = np.packbits(imagehash.phash(image, _SIDE, highfreq_factor=2).hash)
    return np.concatenate([bits, np.asarray(image.resize((_VIEW, _VIEW), Image.Resampling.BILINEAR)).ravel()])


def _unpack(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits as +1 and -1, float32 array (N, 24, 24), and views, float32 array (N, 12, 12)."""
    bits = np.unpackbits(hashes[:, : _BITS // 8], axis=1).reshape(-1, _SIDE, _SIDE)
    views = hashes[:, _BITS // 8 :].reshape(-1, _VIEW, _VIEW)
    return 2 * bits.astype(np.float32) - 1, views.astype(np.float32)


def _eight_copies(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `_unpack` gives of the mirrored and turned copies of N pictures: (8 N, 576) and (8 N, 144)."""
    signs, views = _unpack(hashes)
    odd = np.where(np.arange(_SIDE) % 2, np.float32(-1), np.float32(1))
    return (
        _eight(signs, lambda array: array * odd[:, None], lambda array: array * odd),
        _eight(views, lambda array: array[:, ::-1], lambda array: array[:, :, ::-1]),
    )


def _eight(arrays: np.ndarray, upside_down: Callable[..., np.ndarray], mirror: Callable[..., np.ndarray]) -> np.ndarray:
    """The eight copies of square arrays (N, S, S), one after another: (8 N, S S)."""
    halves = [arrays, arrays.transpose(0, 2, 1)]
    rows = [turned for half in halves for turned in (half, upside_down(half))]
    copies = [turned for row in rows for turned in (row, mirror(row))]
    return np.concatenate(copies).reshape(8 * len(arrays), arrays.shape[1] ** 2)
