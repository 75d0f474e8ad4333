"""Files that appear whole: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["write_atomically", "write_json"]


def write_atomically(path: str | Path, writer: Callable[[Path], Any]) -> None:
    """Calls `writer(temporary_path)` and renames its file to `path`.

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
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_text(json.dumps(value, indent=2) + "\n"))
