"""Decoded pictures on disk, which are mapped into memory: the second run decodes nothing, and needs no room for them.

A cache is a folder whose name is a hash of the pictures' names and contents and of what was done to them. It appears
whole or not at all, so that two runs may make the same one at once: the first to finish stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from etvae_tf.data.images import check_sizes, read_images
from etvae_tf.data.mapped import MappedPictures
from etvae_tf.data.sources import ImageSource
from etvae_tf.errors import InputError
from etvae_tf.files import flush

__all__ = ["cached_images"]

_VERSION = 1  # of `preprocess`: another one makes other pixels
_ABANDONED = 86_400  # seconds after which an unfinished cache is taken for that of a killed run


def cached_images(
    cache_dir: str | Path,
    source: ImageSource,
    names: Sequence[str],
    image_size: int,
    channels: int,
    crop_fraction: float = 1.0,
) -> tuple[MappedPictures, np.ndarray]:
    """As `read_images`, by a cache, which is made where it is missing; says which, and its size.

    Args:
        cache_dir: folder of caches; made when missing.
        source: where the pictures lie.
        names: N names, at least one.
        image_size: H = W, in pixels, at least 8.
        channels: 1 or 3.
        crop_fraction: central part kept before resizing, in (0, 1].

    Returns:
        Pictures (N, H, W, C), and bool array (N,): which of them could be read; the others are black.

    Raises:
        InputError: the sizes are impossible, or nothing can be written at `cache_dir`.
    """
    check_sizes(image_size, channels, crop_fraction)
    made_of = {"pictures": source.digest(names), "size": image_size, "channels": channels, "crop": crop_fraction}
    key = hashlib.sha256(json.dumps({**made_of, "version": _VERSION}).encode()).hexdigest()[:32]
    folder = Path(cache_dir) / key
    there = folder.is_dir()
    if not there:
        _make(folder, source, names, (image_size, channels, crop_fraction))
    pictures = np.load(folder / "pictures.npy", mmap_mode="r")
    what = "read" if there else "decoded once,"
    print(
        f"{source.path}: {len(names)} pictures {what} from the cache {folder}, {pictures.nbytes / 1e6:.1f} MB",
        flush=True,
    )
    return MappedPictures([pictures]), np.load(folder / "readable.npy")


def _make(folder: Path, source: ImageSource, names: Sequence[str], preparation: tuple[int, int, float]) -> None:
    """Decodes the pictures into a folder of another name, which is renamed in the end."""
    building = folder.with_name(f".{folder.name}.{os.getpid()}")
    size, channels, _ = preparation
    try:
        building.mkdir(parents=True)
        _remove_abandoned(folder.parent)
        pictures = np.lib.format.open_memmap(
            building / "pictures.npy", "w+", np.uint8, (len(names), size, size, channels)
        )
    except OSError as error:
        raise InputError(
            f"{folder.parent} cannot hold a cache of pictures ({error.strerror}); name another folder with --cache_dir."
        ) from error
    try:
        _, readable = read_images(source, names, *preparation, pictures=pictures)
        np.save(building / "readable.npy", readable)
        pictures.flush()
        for path in (building / "pictures.npy", building / "readable.npy", building):
            flush(path)
        try:
            building.rename(folder)
        except OSError:  # another run was faster
            if not folder.is_dir():
                raise
        flush(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _remove_abandoned(cache_dir: Path) -> None:
    """Frees the room of caches that killed runs did not finish."""
    for path in cache_dir.glob(".*.*"):
        if time.time() - path.stat().st_mtime > _ABANDONED:
            shutil.rmtree(path, ignore_errors=True)
