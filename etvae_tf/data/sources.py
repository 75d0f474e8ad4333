"""Where pictures lie: a folder with its subfolders, a zip file, or paths that a table lists."""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from etvae_tf.data.decode import UnreadableError, to_jpeg_or_png
from etvae_tf.data.picture_files import check_formats, find_pictures
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError

__all__ = ["DAMAGED", "MISSING", "ImageSource", "listed_images", "open_images", "read_picture"]

DAMAGED = "JPEG or PNG file that is cut off or damaged"  # what is wrong with one that only the decoder refuses
MISSING = "no picture of that name"


class ImageSource:
    """Encoded pictures by name, read in place; `open_images` and `listed_images` make it.

    Attributes:
        path: the folder, zip file or table.
        root: the folder or zip file that `files` lie in.
        files: file by name.
        names: the pictures' names without folder and suffix, in sorted order; with the folder where names repeat, and
            with the suffix where that repeats.
        others: visible files that are no pictures by their suffix, in sorted order.

    Args:
        path: the folder, zip file or table.
        files: file by name.
        others: files that are no pictures.
        read: the content of a file.
        checksum: CRC-32 of a file's content.
        stamp: what changes with a file and is known without reading it.
    """

    def __init__(
        self,
        path: Path,
        files: Mapping[str, str],
        others: tuple[str, ...],
        read: Callable[[str], bytes],
        checksum: Callable[[str], int],
        stamp: Callable[[str], object],
    ):
        self.path = self.root = path
        self.others = others
        self.names = tuple(sorted(files))
        self.files, self.read_file, self._checksum, self._stamp = files, read, checksum, stamp

    def __contains__(self, name: str) -> bool:
        return name in self.files

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names and contents; a zip knows its contents' checksums, the files of a folder are read."""
        return self.digest(self.names)

    def digest(self, names: Iterable[str], quick: bool = False) -> str:
        """SHA-256 over the names and contents of some pictures.

        Args:
            names: of the pictures; there need not be one of each.
            quick: instead of contents, sizes and times of change, for which no file of a folder is read.
        """
        digest = hashlib.sha256()
        known = self._stamp if quick else self._checksum
        for name in names:
            file = self.files.get(name)
            try:
                content = None if file is None else known(file)
            except OSError:  # listed, and not there
                content = None
            digest.update(f"{name if file is None else file} {content}\n".encode())
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        """The picture as a JPEG or PNG file; empty bytes, which no decoder accepts, where it cannot be read."""
        try:
            return self._convert(name)
        except (UnreadableError, InputError):
            return b""

    def why_unreadable(self, name: str) -> str:
        """What is wrong with a picture that could not be read or decoded, in a few words."""
        try:
            self._convert(name)
        except (UnreadableError, InputError) as error:
            return str(error)
        return DAMAGED

    def tell_others(self) -> None:
        """Prints how many files are no pictures, and their names, if there are any."""
        if self.others:
            print(f"{self.path}: {len(self.others)} files are no pictures ({first_few(self.others)})", flush=True)

    def _convert(self, name: str) -> bytes:
        if name not in self.files:
            raise UnreadableError(MISSING)
        return read_picture(self.read_file, self.files[name])


def read_picture(read: Callable[[str], bytes], file: str) -> bytes:
    """A picture as a JPEG or PNG file.

    Args:
        read: the content of a file.
        file: its path.

    Raises:
        UnreadableError: it cannot be read, or is no picture.
        InputError: a FITS picture without astropy.
    """
    try:
        content = read(file)
    except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UnreadableError(f"file that cannot be read ({reason})") from error
    return to_jpeg_or_png(content)


def open_images(path: str | Path) -> ImageSource:
    """Opens a folder, with all its subfolders, or a zip file of pictures named ID.jpg, see `PICTURE_SUFFIXES`.

    Hidden files and folders, and those in __MACOSX, are passed over.

    Returns:
        The source.

    Raises:
        InputError: nothing there, a corrupt zip, no picture inside, or FITS pictures without astropy.
    """
    path = Path(path)
    if path.is_dir():
        found = [Path(folder, name) for folder, _, names in os.walk(path, followlinks=True) for name in names]
        return _files_below(path, *find_pictures(path, [file.relative_to(path).as_posix() for file in found]))
    if not path.is_file():
        raise InputError(f"no pictures at {path}, expected a folder or a zip file; check the path.")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} is not a readable zip file ({error}); copy it again, or unpack it.") from error
    files, others = find_pictures(path, [info.filename for info in archive.infolist() if not info.is_dir()])

    def checksum(file: str) -> int:
        return archive.getinfo(file).CRC

    return ImageSource(path, files, others, archive.read, checksum, checksum)


def listed_images(table: str | Path, names: Sequence[str], files: Sequence[str]) -> ImageSource:
    """Pictures that a table lists by their paths, absolute, from the table's folder or from the working folder.

    Args:
        table: path of the table.
        names: of N pictures.
        files: their N paths, or none; one that is empty or not there is a picture that cannot be read.

    Returns:
        The source.

    Raises:
        InputError: no paths, none of the files is there, or FITS pictures without astropy.
    """
    table = Path(table)
    if not len(files):
        raise InputError(
            f"--data given without --images, and {table} has no column file_loc with the paths of its pictures; name "
            "their folder or zip file."
        )
    below = max((table.parent, Path()), key=lambda folder: sum((folder / file).is_file() for file in files if file))
    if not any((below / file).is_file() for file in files if file):
        raise InputError(
            f"{table} lists {first_few(files, 2)} in file_loc, but none of its {len(files)} files is there; mend "
            "the paths, or name the folder or zip of the pictures with --images."
        )
    check_formats(files)
    source = _files_below(below, {name: file for name, file in zip(names, files, strict=True) if file}, ())
    source.path = table
    return source


def _files_below(path: Path, files: Mapping[str, str], others: tuple[str, ...]) -> ImageSource:
    """Pictures at paths relative to a folder."""

    def stamp(file: str) -> tuple[int, int]:
        status = (path / file).stat()
        return status.st_size, status.st_mtime_ns

    def read(file: str) -> bytes:
        return (path / file).read_bytes()

    return ImageSource(path, files, others, read, lambda file: zlib.crc32(read(file)), stamp)
