"""Pictures: where they lie (folder, also its subfolders, or zip) and how one becomes bytes of fixed size.

`preprocess` is the only way from an encoded picture to pixels: training, prediction and the exported graph
share it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import tensorflow as tf

from etvae_tf.data.decode import FITS_SUFFIXES, PICTURE_SUFFIXES, UnreadableError, check_astropy, to_jpeg_or_png
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError
from etvae_tf.progress import progress

__all__ = ["ImageSource", "load_images", "open_images", "preprocess", "read_images", "to_float"]

CHUNK = 256  # pictures a Python call reads: far fewer calls than pictures, little memory
PROGRESS_FROM = 2000  # pictures, about a second of work


class ImageSource:
    """Encoded pictures by name, read in place; `open_images` makes it.

    Attributes:
        path: the folder or zip file.
        names: the pictures' names without folder and suffix, in sorted order; with the folder where names repeat.
        others: visible files that are no pictures by their suffix, in sorted order.

    Args:
        path: the folder or zip file.
        files: of the folder or zip, paths relative to it.
        read: the content of a file.
        checksum: CRC-32 of a file's content.
    """

    def __init__(self, path: Path, files: Iterable[str], read: Callable[[str], bytes], checksum: Callable[[str], int]):
        self.path = path
        self._files, self.others = _pictures(path, files)
        self.names = tuple(sorted(self._files))
        self._read = read
        self._checksum = checksum

    def __contains__(self, name: str) -> bool:
        return name in self._files

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names and contents; a zip knows its contents' checksums, the files of a folder are read."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{self._files[name]} {self._checksum(self._files[name])}\n".encode())
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """The picture as a JPEG or PNG file; empty bytes, which no decoder accepts, where it cannot be read."""
        try:
            return self._convert(name)
        except UnreadableError:
            return b""

    def why_unreadable(self, name: str) -> str:
        """What is wrong with a picture that could not be read or decoded, in a few words."""
        try:
            self._convert(name)
        except UnreadableError as error:
            return str(error)
        return "JPEG or PNG file that is cut off or damaged"

    def tell_others(self) -> None:
        """Prints how many files are no pictures, and their names, if there are any."""
        if self.others:
            print(f"{self.path}: {len(self.others)} files are no pictures ({first_few(self.others)})", flush=True)

    def _convert(self, name: str) -> bytes:
        try:
            content = self._read(self._files[name])
        except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise UnreadableError(f"file that cannot be read ({error})") from error
        return to_jpeg_or_png(content)


def open_images(path: str | Path) -> ImageSource:
    """Opens a folder, with all its subfolders, or a zip file of pictures named ID.jpg, see `PICTURE_SUFFIXES`.

    Hidden files and folders, and those in __MACOSX, are passed over.

    Returns:
        The source.

    Raises:
        InputError: nothing there, a corrupt zip, no picture inside, two pictures of one name in one
            folder, or FITS pictures without astropy.
    """
    path = Path(path)
    if path.is_dir():
        files = [Path(folder, name) for folder, _, names in os.walk(path, followlinks=True) for name in names]
        return ImageSource(
            path,
            [file.relative_to(path).as_posix() for file in files],
            lambda name: (path / name).read_bytes(),
            lambda name: zlib.crc32((path / name).read_bytes()),
        )
    if not path.is_file():
        raise InputError(f"no pictures at {path}, expected a folder or a zip file; check the path.")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} is not a readable zip file ({error}); copy it again, or unpack it.") from error
    members = [info.filename for info in archive.infolist() if not info.is_dir()]
    return ImageSource(path, members, archive.read, lambda name: archive.getinfo(name).CRC)


def preprocess(encoded: tf.Tensor, image_size: int, channels: int, crop_fraction: float = 1.0) -> tf.Tensor:
    """Decodes a picture, cuts out its central square and resizes that.

    Core TensorFlow ops only, so it can be exported with a model.

    Args:
        encoded: string tensor (), a JPEG or PNG file of any size, grey or colour.
        image_size: H = W of the result, in pixels.
        channels: 3 for RGB, 1 for its luminance (ITU-R BT.601).
        crop_fraction: side of the central square over the shorter side of the picture, in (0, 1].

    Returns:
        uint8 tensor (H, W, C).

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no picture.
    """
    picture = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    height, width = tf.shape(picture)[0], tf.shape(picture)[1]
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(1, tf.cast(tf.round(crop_fraction * shorter), tf.int32))
    top, left = (height - side) // 2, (width - side) // 2
    square = tf.cast(picture[top : top + side, left : left + side], tf.float32)
    # Antialiased: a plain bilinear kernel would skip pixels when shrinking and alias the arms away.
    resized = tf.image.resize(square, (image_size, image_size), antialias=True)
    if channels == 1:  # of the few pixels that are left: luminance and resizing are linear, so their order is free
        resized = tf.image.rgb_to_grayscale(resized)
    return tf.saturate_cast(tf.round(tf.ensure_shape(resized, (image_size, image_size, channels))), tf.uint8)


def to_float(pictures: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Bytes to what models take: uint8 (..., H, W, C) to float32 in [0, 1]."""
    return tf.cast(pictures, tf.float32) / 255.0


def load_images(
    source: ImageSource, names: Sequence[str], image_size: int, channels: int, crop_fraction: float = 1.0
) -> np.ndarray:
    """Decodes pictures in parallel; tells how far it is when there are many.

    Args:
        source: where the pictures lie.
        names: N names.
        image_size: H = W, in pixels, at least 8.
        channels: 1 or 3.
        crop_fraction: central part kept before resizing, in (0, 1].

    Returns:
        uint8 array (N, H, W, C), in the order of `names`.

    Raises:
        InputError: a picture is missing or cannot be decoded, or the sizes are impossible.
    """
    missing = [name for name in names if name not in source]
    if missing:
        raise InputError(
            f"{source.path} lacks the pictures of {len(missing)} of {len(names)} galaxies "
            f"({first_few(missing)}); add them as ID.jpg or ID.png, or take the galaxies out of the table."
        )
    pictures, readable = read_images(source, names, image_size, channels, crop_fraction)
    if not readable.all():
        broken = [name for name, good in zip(names, readable, strict=True) if not good]
        raise InputError(
            f"{source.path} has {len(broken)} pictures that cannot be decoded ({first_few(broken)}: "
            f"{source.why_unreadable(broken[0])}); replace them by whole files, or remove them."
        )
    return pictures


def read_images(
    source: ImageSource, names: Sequence[str], image_size: int, channels: int, crop_fraction: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """As `load_images`, but for pictures that are missing or cannot be decoded.

    Returns:
        uint8 array (N, H, W, C), and bool array (N,): which of its pictures could be read; the others are black.

    Raises:
        InputError: the sizes are impossible.
    """
    _check_sizes(image_size, channels, crop_fraction)
    pictures = np.zeros((len(names), image_size, image_size, channels), np.uint8)
    readable = np.zeros(len(names), bool)
    there = np.flatnonzero([name in source for name in names])
    bar = progress(len(there), "picture") if len(there) > PROGRESS_FROM else None
    for positions, batch in _decode(source, [names[row] for row in there], image_size, channels, crop_fraction):
        pictures[there[positions]], readable[there[positions]] = batch, True
        if bar:
            bar.add(len(positions))
    return pictures, readable


def _decode(
    source: ImageSource, names: Sequence[str], image_size: int, channels: int, crop_fraction: float
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """(positions, pictures) in chunks; pictures that cannot be decoded are left out."""

    def read_chunk(positions: np.ndarray) -> np.ndarray:
        return np.array([source.read(names[position]) for position in positions], object)

    def read(positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded = tf.numpy_function(read_chunk, [positions], tf.string)
        return positions, tf.ensure_shape(encoded, [None])

    def decode(position: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return position, preprocess(encoded, image_size, channels, crop_fraction)

    chunks = tf.data.Dataset.range(len(names)).batch(CHUNK).map(read).prefetch(2)
    decoded = chunks.unbatch().map(decode, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors(log_warning=False)
    return decoded.batch(CHUNK).prefetch(2).as_numpy_iterator()


def _pictures(path: Path, files: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The visible pictures among files, file by name, and the visible files that are none."""
    parts = ((file, PurePosixPath(file).parts) for file in sorted(files))
    visible = [file for file, names in parts if "__MACOSX" not in names and not any(n.startswith(".") for n in names)]
    bare = {file: _without_suffix(file) for file in visible if file.lower().endswith(PICTURE_SUFFIXES)}
    times = Counter(PurePosixPath(name).name for name in bare.values())
    pictures: dict[str, str] = {}
    for file, name in bare.items():
        stem = PurePosixPath(name).name
        name = stem if times[stem] == 1 else name
        if name in pictures:
            raise InputError(f"{path} holds two pictures named {name} ({pictures[name]}, {file}); keep one per galaxy.")
        pictures[name] = file
    if not pictures:
        raise InputError(f"{path} holds no {', '.join(PICTURE_SUFFIXES)} pictures; expected files named ID.jpg.")
    if any(file.lower().endswith(FITS_SUFFIXES) for file in bare):
        check_astropy()
    return pictures, tuple(file for file in visible if file not in bare)


def _without_suffix(file: str) -> str:
    (suffix,) = sorted((end for end in PICTURE_SUFFIXES if file.lower().endswith(end)), key=len)[-1:]
    return file[: -len(suffix)]


def _check_sizes(image_size: int, channels: int, crop_fraction: float) -> None:
    if image_size < 8:
        raise InputError(f"image_size={image_size}, expected at least 8 pixels; 64 is usual.")
    if channels not in (1, 3):
        raise InputError(f"channels={channels}, expected 1 (grey) or 3 (colour).")
    if not 0 < crop_fraction <= 1:
        raise InputError(f"crop_fraction={crop_fraction}, expected a number in (0, 1]; 1 keeps the whole picture.")
