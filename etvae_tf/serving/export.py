"""From a trained model to a version folder that TF Serving loads, and back to the votes of a folder of pictures."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data.images import open_images
from etvae_tf.errors import InputError
from etvae_tf.models import ETVAE
from etvae_tf.serving.servable import Servable
from etvae_tf.serving.tables import check_output, vote_table, write_table
from etvae_tf.serving.warmup import write_warmup
from etvae_tf.training import RunFolder

__all__ = ["describe", "export_model", "export_run", "newest_version", "predict"]

_DESCRIPTION = Path("assets.extra") / "etvae.json"
_BATCH = 64  # pictures scored at once


def export_run(workdir: str | None, export_dir: str | Path) -> Path:
    """Exports the model of a finished run.

    Args:
        workdir: folder of the run.
        export_dir: folder of the versions.

    Returns:
        The new version folder.

    Raises:
        InputError: no such run, or it is not finished.
    """
    if not workdir:
        raise InputError("--mode=export writes a trained run as a SavedModel; add --workdir=RUN.")
    folder = RunFolder(workdir)
    data = folder.read_config()["data"]
    if not folder.metrics.exists():
        raise InputError(f"the run in {folder.path} is not finished; repeat its training command to finish it.")
    answers = json.loads(folder.metrics.read_text())["answers"]
    model = keras.saving.load_model(folder.model)
    version = export_model(model, export_dir, answers, data["crop_fraction"])
    print(f"exported {folder.path} to {version}")
    return version


def export_model(model: ETVAE, export_dir: str | Path, answers: list[str], crop_fraction: float = 1.0) -> Path:
    """Writes a SavedModel with its warm-up requests as the next version, whole or not at all.

    Args:
        model: trained.
        export_dir: folder of the versions 1, 2, ...; made when missing.
        answers: names of the K answers.
        crop_fraction: central part of a picture that is kept, as in training.

    Returns:
        The new version folder.
    """
    export_dir = Path(export_dir)
    export_dir.mkdir(parents=True, exist_ok=True)
    building = export_dir / f".building-{os.getpid()}"  # no number: TF Serving passes over it
    shutil.rmtree(building, ignore_errors=True)
    try:
        servable = Servable(model, crop_fraction)
        tf.saved_model.save(servable, str(building), signatures=servable.signatures())
        size, _, channels = model.image_shape
        description = {
            "answers": list(answers), "image_size": size, "channels": channels, "crop_fraction": crop_fraction,
        }  # fmt: skip
        (building / _DESCRIPTION).parent.mkdir(exist_ok=True)
        (building / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        write_warmup(building / "assets.extra", size, channels)
        version = export_dir / str(max(_versions(export_dir), default=0) + 1)
        building.rename(version)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return version


def newest_version(export_dir: str | Path) -> Path:
    """The version folder with the highest number.

    Raises:
        InputError: there is none.
    """
    versions = _versions(Path(export_dir))
    if not versions:
        raise InputError(
            f"{export_dir} holds no exported model (a folder 1, 2, ... with saved_model.pb); export one with "
            "--mode=export --workdir=RUN, or name its folder with --export_dir."
        )
    return Path(export_dir) / str(max(versions))


def describe(version: str | Path) -> dict[str, Any]:
    """Answers, image_size, channels and crop_fraction of an exported model."""
    return json.loads((Path(version) / _DESCRIPTION).read_text())


def predict(images: str, output: str | None, export_dir: str | Path) -> pd.DataFrame:
    """Scores every picture of a folder or zip with the newest exported model, into a table.

    Args:
        images: folder or zip of JPEG or PNG pictures, of any size.
        output: path of the table, .csv or .parquet; must not exist.
        export_dir: folder of the versions.

    Returns:
        What the table holds, see `vote_table`.

    Raises:
        InputError: no pictures, no model, or no place for the table.
    """
    if not images or not output:
        raise InputError("--mode=predict scores pictures into a table; add --images=FOLDER_OR_ZIP --output=votes.csv.")
    check_output(output)
    version = newest_version(export_dir)
    source = open_images(images)
    answers = describe(version)["answers"]
    function = tf.saved_model.load(str(version)).signatures["predict_bytes"]
    bar = keras.utils.Progbar(len(source.names), unit_name="picture")
    parts = []
    for start in range(0, len(source.names), _BATCH):
        names = source.names[start : start + _BATCH]
        encoded = tf.constant([source.read(name) for name in names])
        outputs = {name: values.numpy() for name, values in function(image_bytes=encoded).items()}
        parts.append(vote_table(names, outputs, answers))
        bar.add(len(names))
    table = pd.concat(parts, ignore_index=True)
    write_table(output, table)
    broken = int(np.sum(~table["ok"]))
    print(f"{len(table)} pictures scored by {version} into {output}" + (f"; {broken} unreadable" if broken else ""))
    return table


def _versions(export_dir: Path) -> list[int]:
    found = export_dir.glob("*/saved_model.pb")
    return [int(path.parent.name) for path in found if path.parent.name.isdigit()]
