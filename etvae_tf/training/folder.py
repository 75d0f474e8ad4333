"""The run folder: what a run leaves behind, and whether a folder belongs to the run at hand."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etvae_tf.data.copies import are_copies, hashes_from_text, hashes_to_text, picture_hashes
from etvae_tf.data.galaxies import Galaxies, GalaxyData
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically, write_json

__all__ = ["RunFolder"]

_PACKAGES = (
    "etvae_tf",
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "tensorflow-addons",
    "numpy",
    "ml_collections",
)


class RunFolder:
    """Paths and records of one run; every file appears whole.

    Args:
        path: of the folder; `claim` makes it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.manifest = self.path / "manifest.json"
        self.split = self.path / "split.csv"
        self.learnt = self.path / "learnt.parquet"
        self.history = self.path / "history.csv"
        self.tensorboard = self.path / "tensorboard"
        self.checkpoints = self.path / "checkpoints"
        self.pool_measures = self.path / "measures.npy"  # of the pool, while training asks for them
        self.vae = self.path / "vae.keras"
        self.process = self.path / "folds" / "process.parquet"  # as `fold`, by the Gaussian processes
        self.model = self.path / "model.keras"
        self.novelty = self.path / "novelty.npz"
        self.figures = self.path / "figures"
        self.predictions = self.path / "predictions.csv"
        self.metrics = self.path / "metrics.json"
        self.report = self.path / "report.html"

    def fold(self, number: int) -> Path:
        """Table of the fractions that a fold's model predicts: columns id, and one for each answer."""
        return self.path / "folds" / f"fold_{number}.parquet"

    def check(self, config: dict[str, Any]) -> None:
        """Refuses a folder that is not this run's.

        Raises:
            InputError: the folder holds another run, or something that is no run.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"workdir {self.path} is a file, but a folder was expected; choose another --workdir.")
        if not self.config.exists():
            if any(not path.name.startswith(".") for path in self.path.iterdir()):  # those are of a killed write
                raise InputError(f"workdir {self.path} holds files but no run; choose an empty or new --workdir.")
            return
        changed = _differences(json.loads(self.config.read_text()), config)
        changed = [line for line in changed if not line.startswith("config.data.cache_dir ")]  # changes no picture
        if changed:
            raise InputError(
                f"workdir {self.path} holds a run with another config ({'; '.join(changed[:3])}); choose another "
                "--workdir, or repeat that run's command to go on with it."
            )

    def check_data(self, fingerprints: dict[str, str]) -> None:
        """Refuses other data than those that the folder's run was begun on.

        Raises:
            InputError: the data have changed since the run began.
        """
        if not self.manifest.exists():
            return
        before = json.loads(self.manifest.read_text())["fingerprints"]
        if before != fingerprints:
            changed = ", ".join(_changed_keys(before, fingerprints))
            raise InputError(
                f"workdir {self.path} was begun on other data (changed: {changed}); restore them, or choose "
                "another --workdir."
            )

    def claim(self, config: dict[str, Any], data: GalaxyData) -> None:
        """Makes the folder this run's, or checks that it was made from the same data.

        Raises:
            InputError: the data have changed since the run began.
        """
        self.check_data(data.fingerprints)
        if self.manifest.exists():
            return
        write_json(self.config, config)  # first: it tells whose folder this is, if the next lines are never reached
        write_atomically(self.split, lambda path: data.split.to_csv(path, index=False))
        learnt = _learnt(data)
        before = RunFolder(config["train"]["init"]).learnt if config["train"]["init"] else None
        if before and before.exists():  # what the starting model knows, this one knows, too
            learnt = pd.concat([learnt, pd.read_parquet(before)]).drop_duplicates("id")
        write_atomically(self.learnt, lambda path: learnt.to_parquet(path, index=False))
        write_json(self.manifest, _manifest(config["seed"], data))

    def has_learnt(self, galaxies: Galaxies) -> np.ndarray:
        """Which galaxies the run learnt from: with their votes or without, by their id or by their picture.

        Args:
            galaxies: N of them, their pictures prepared as the run's.

        Returns:
            bool array (N,).

        Raises:
            InputError: the run kept no list of what it learnt from.
        """
        if not self.learnt.exists():
            raise InputError(
                f"{self.path} lacks {self.learnt.name}, the list of what the run learnt from; train it anew."
            )
        table = pd.read_parquet(self.learnt)
        known = hashes_from_text(table["picture_hash"])
        return np.isin(galaxies.ids, table["id"]) | are_copies(picture_hashes(galaxies.images), known)


def _learnt(data: GalaxyData) -> pd.DataFrame:
    """What a run learns from: columns id, labelled (its votes are learnt from, or choose an epoch), picture_hash."""
    labelled = np.concatenate([data.train.ids, data.validation.ids])
    others = ~np.isin(data.pool_ids, labelled)
    hashes = [picture_hashes(data.train.images), picture_hashes(data.validation.images), data.pool_hashes[others]]
    ids = np.concatenate([labelled, data.pool_ids[others]])
    marks = np.arange(len(ids)) < len(labelled)
    return pd.DataFrame({"id": ids, "labelled": marks, "picture_hash": hashes_to_text(np.concatenate(hashes))})


def _manifest(seed: int, data: GalaxyData) -> dict[str, Any]:
    return {
        "command": shlex.join([Path(sys.executable).name, *sys.argv]),
        "seed": seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": platform.platform(),
        "fingerprints": data.fingerprints,
        "galaxies": {
            "train": len(data.train),
            "validation": len(data.validation),
            "test": len(data.test),
            "pool": len(data.pool),
        },
        "copies_left_out": data.copies_left_out,
        "labelled_ids": [*data.train.ids.tolist(), *data.validation.ids.tolist()],
    }


def _versions() -> dict[str, str]:
    installed = {}
    for package in _PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _changed_keys(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def _differences(before: Any, after: Any, name: str = "config") -> list[str]:
    """Fields that differ, as sentences "name was A, is B"."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after})
        return [line for key in keys for line in _differences(before.get(key), after.get(key), f"{name}.{key}")]
    return [] if before == after else [f"{name} was {before!r}, is {after!r}"]
