"""Files that appear whole: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["flush", "write_atomically", "write_json"]


def write_atomically(path: str | Path, writer: Callable[[Path], Any]) -> None:
    """Calls `writer(temporary_path)`, flushes its file to disk and renames it to `path`.

    Args:
        path: where the file shall stand; its folder is made when missing.
        writer: writes one file at the path it is given. The temporary name ends like `path`, because Keras,
            pandas and matplotlib choose the format by the ending.

    Raises:
        Whatever `writer` raises; `path` is then as it was before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        writer(temporary)
        flush(temporary)
        os.replace(temporary, path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: str | Path) -> None:
    """Has the system write a file, or a folder's list of names, to disk: a rename may reach it before the content.

    Systems that cannot do so for a folder are left as they are.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | Path, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_text(json.dumps(value, indent=2) + "\n"))
