"""Which files are pictures, and the names that they go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from etvae_tf.data.decode import FITS_SUFFIXES, PICTURE_SUFFIXES, check_astropy
from etvae_tf.data.tables import first_few
from etvae_tf.errors import InputError

__all__ = ["check_formats", "find_pictures"]


def find_pictures(path: Path, files: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The visible pictures among files, and the visible files that are none.

    Args:
        path: the folder or zip that holds them, for an error's sentence.
        files: paths in it.

    Returns:
        File by name, see `ImageSource`, and the others in sorted order.

    Raises:
        InputError: no picture, or FITS pictures without astropy.
    """
    parts = ((file, PurePosixPath(_with_slashes(file)).parts) for file in sorted(files))
    visible = [file for file, names in parts if "__MACOSX" not in names and not any(n.startswith(".") for n in names)]
    bare = {file: _without_suffix(file) for file in visible if file.lower().endswith(PICTURE_SUFFIXES)}
    stems, paths = Counter(PurePosixPath(name).name for name in bare.values()), Counter(bare.values())
    pictures: dict[str, str] = {}
    for file, name in bare.items():
        stem = PurePosixPath(name).name
        pictures[stem if stems[stem] == 1 else name if paths[name] == 1 else _with_slashes(file)] = file
    alike = [file for file, name in bare.items() if paths[name] > 1]
    if alike:
        what = "differ in their suffix alone, and go by their full names; where a table's ids have none, keep one each"
        print(f"{path}: {first_few(alike)} {what}", flush=True)
    if not pictures:
        raise InputError(f"{path} holds no {first_few(PICTURE_SUFFIXES, 13)} pictures; expected files named ID.jpg.")
    check_formats(list(bare))
    return pictures, tuple(file for file in visible if file not in bare)


def check_formats(files: Sequence[str]) -> None:
    """Refuses files that this installation cannot read.

    Raises:
        InputError: FITS pictures without astropy.
    """
    if any(file.lower().endswith(FITS_SUFFIXES) for file in files):
        check_astropy()


def _without_suffix(file: str) -> str:
    (suffix,) = sorted((end for end in PICTURE_SUFFIXES if file.lower().endswith(end)), key=len)[-1:]
    return _with_slashes(file)[: -len(suffix)]


def _with_slashes(file: str) -> str:
    """A path in a zip that Windows wrote, as others write it."""
    return file.replace("\\", "/")
