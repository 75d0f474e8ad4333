"""Tables of predicted votes, whether a model was called here or behind a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically

__all__ = ["check_output", "vote_table", "write_table"]

_WRITERS = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
}


def vote_table(names: Sequence[str], outputs: dict[str, np.ndarray], answers: Sequence[str]) -> pd.DataFrame:
    """Outputs of `predict_bytes` as a table.

    Args:
        names: of the N pictures.
        outputs: vote_fractions and vote_fractions_std (N, K), pose_angle (N,), ok (N,).
        answers: names of the K answers.

    Returns:
        Columns id; ANSWER and ANSWER_std, fraction in [0, 1] and its standard deviation; pose_angle in radians; ok,
        false where the picture could not be decoded and the numbers are empty.
    """
    columns: dict[str, object] = {"id": list(names)}
    for index, answer in enumerate(answers):
        columns[answer] = outputs["vote_fractions"][:, index]
        columns[f"{answer}_std"] = outputs["vote_fractions_std"][:, index]
    return pd.DataFrame({**columns, "pose_angle": outputs["pose_angle"], "ok": outputs["ok"]})


def check_output(path: str | Path) -> None:
    """Refuses a table that could not be written in the end.

    Raises:
        InputError: not .csv or .parquet, its folder is missing, or it exists.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise InputError(f"--output={path} ends in {path.suffix!r}, but .csv or .parquet was expected.")
    if not path.parent.is_dir():
        raise InputError(f"--output={path} lies in a folder that does not exist; make it first.")
    if path.exists():
        raise InputError(f"--output={path} exists; remove it, or choose another name.")


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Writes the table, whole or not at all."""
    write_atomically(path, lambda temporary: _WRITERS[Path(path).suffix](table, temporary))
