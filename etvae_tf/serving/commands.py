"""`python main.py --mode=export` and `--mode=predict`, callable from Python."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf

from etvae_tf.data.images import open_images
from etvae_tf.errors import InputError
from etvae_tf.serving.export import describe, export_model, newest_version
from etvae_tf.serving.tables import check_output, vote_table, write_table
from etvae_tf.training import RunFolder

__all__ = ["export_run", "predict_pictures"]

_BATCH = 64  # pictures scored at once


def export_run(workdir: str | None, export_dir: str | Path) -> Path:
    """Exports the model of a finished run; reconstructions come from the VAE that it kept, if it kept one.

    Args:
        workdir: folder of the run.
        export_dir: folder of the versions.

    Returns:
        The new version folder.

    Raises:
        InputError: no such run, it is not finished, or nothing can be written at `export_dir`.
    """
    if not workdir:
        raise InputError("--mode=export writes a trained run as a SavedModel; add --workdir=RUN.")
    folder = RunFolder(workdir)
    config = folder.read_config()
    if not folder.metrics.exists():
        raise InputError(f"the run in {folder.path} is not finished; repeat its training command to finish it.")
    answers = json.loads(folder.metrics.read_text())["answers"]
    model = _load(folder.model)
    autoencoder = _load(folder.vae) if folder.vae.exists() else None
    decoder_trained = config["regime"] != "supervised"
    version = export_model(model, export_dir, answers, config["data"]["crop_fraction"], autoencoder, decoder_trained)
    print(f"exported {folder.path} to {version}")
    return version


def predict_pictures(images: str | Path | None, output: str | Path | None, export_dir: str | Path) -> pd.DataFrame:
    """Scores every picture of a folder or zip with the newest exported model, into a table.

    Args:
        images: folder or zip of pictures of any size.
        output: path of the table, .csv or .parquet; must not exist.
        export_dir: folder of the versions.

    Returns:
        What the table holds, see `vote_table`; rows in the order of the pictures' names.

    Raises:
        InputError: no pictures, no model, or no place for the table.
    """
    if not images or not output:
        raise InputError("--mode=predict scores pictures into a table; add --images=FOLDER_OR_ZIP --output=votes.csv.")
    check_output(output)
    version = newest_version(export_dir)
    answers = describe(version)["answers"]
    source = open_images(images)
    predict = tf.saved_model.load(str(version)).signatures["predict_bytes"]
    bar = keras.utils.Progbar(len(source.names), verbose=1 if sys.stdout.isatty() else 2, unit_name="picture")
    parts = []
    for start in range(0, len(source.names), _BATCH):
        names = source.names[start : start + _BATCH]
        outputs = predict(image_bytes=tf.constant([source.read(name) for name in names]))
        parts.append(vote_table(names, {name: values.numpy() for name, values in outputs.items()}, answers))
        bar.add(len(names))
    table = pd.concat(parts, ignore_index=True)
    write_table(output, table)
    print(f"{len(table)} pictures scored by {version} into {output}; {sum(~table['ok'])} of them could not be read.")
    return table


def _load(path: Path) -> keras.Model:
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises all kinds: a file of another release, or of other code
        raise InputError(
            f"{path} cannot be loaded by Keras {keras.__version__} ({type(error).__name__}: {error}); use the "
            "installation that trained it, see manifest.json beside it."
        ) from error
