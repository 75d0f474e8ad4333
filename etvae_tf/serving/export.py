"""From a trained model to a version folder that TF Serving loads."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from etvae_tf.data import Questions, named_questions
from etvae_tf.errors import InputError
from etvae_tf.files import flush
from etvae_tf.models import ETVAE, write_weights
from etvae_tf.serving.messages import has_serving
from etvae_tf.serving.servable import Servable
from etvae_tf.serving.warmup import write_warmup
from etvae_tf.training import Novelty, finished_run, load_autoencoder, load_model

__all__ = ["describe", "described_questions", "export_model", "export_run", "newest_version"]

_DESCRIPTION = Path("assets.extra") / "etvae.json"


def export_run(workdir: str | Path | None, export_dir: str | Path) -> Path:
    """Exports the model of a finished run; reconstructions come from the VAE that it kept, if it kept one.

    Args:
        workdir: folder of the run.
        export_dir: folder of the versions.

    Returns:
        The new version folder.

    Raises:
        InputError: no such run, it is not finished, its model cannot be loaded, or nothing can be written at
            `export_dir`.
    """
    if not workdir:
        raise InputError("--mode=export writes a trained run as a SavedModel; add --workdir=RUN.")
    run = finished_run(workdir)
    model = load_model(run.folder.model)
    autoencoder = load_autoencoder(run.config, run.folder, model)
    crop, sure = run.config.data.crop_fraction, (run.even_concentrations, run.n_votes, run.novelty)
    version = export_model(model, export_dir, run.questions, crop, autoencoder, *sure)
    print(f"exported {run.folder.path} to {version}")
    if not has_serving():
        print("no warm-up requests were written; install the extra '.[serving]' for them")
    return version


def export_model(
    model: ETVAE,
    export_dir: str | Path,
    questions: Questions,
    crop_fraction: float = 1.0,
    autoencoder: ETVAE | None = None,
    even_concentrations: Sequence[float] | None = None,
    n_votes: Sequence[float] | None = None,
    novelty: Novelty | None = None,
) -> Path:
    """Writes a SavedModel as the next version, whole or not at all.

    Args:
        model: trained.
        export_dir: folder of the versions 1, 2, ...; made when missing.
        questions: that it answers.
        crop_fraction: central part of a picture that is kept, as in training.
        autoencoder: what `reconstruct` is served from, which may be `model` itself; None leaves that signature out.
        even_concentrations: of the votes around predictions (`etvae_tf.evaluation.concentrations_of`), one for each
            question; NaN where they are unknown.
        n_votes: on each question, as a rule.
        novelty: how unlike the training pictures a latent is; None leaves that output out.

    Returns:
        The new version folder. Its assets.extra holds etvae.json (see `describe`) and,
        where tensorflow-serving-api is installed, the warm-up requests.

    Raises:
        InputError: nothing can be written at `export_dir`.
    """
    export_dir = Path(export_dir)
    building = export_dir / f".export-{os.getpid()}"  # no number: TF Serving passes over it
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"{export_dir} cannot hold an exported model ({error.strerror}); name another folder with --export_dir."
        ) from error
    try:
        servable = Servable(model, crop_fraction, autoencoder, even_concentrations, n_votes, novelty)
        tf.saved_model.save(servable, str(building), signatures=servable.functions)
        size, _, channels = model.image_shape
        description = {
            "answers": list(questions.answers),
            "questions": {one.name: list(one.answers) for one in questions.each},
            "asked_after": {one.name: list(one.asked_after) for one in questions.each if one.asked_after},
            "image_size": size, "channels": channels, "crop_fraction": crop_fraction,
        }  # fmt: skip
        (building / _DESCRIPTION).parent.mkdir()
        write_weights(building / _DESCRIPTION.with_name("weights.h5"), model)  # a run may start from them
        (building / _DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n")
        if has_serving():
            write_warmup(building)
        for path in building.rglob("*"):
            flush(path)
        return _publish(building, export_dir)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def newest_version(export_dir: str | Path) -> Path:
    """The version folder with the highest number.

    Raises:
        InputError: there is none.
    """
    versions = [number for number in _numbers(export_dir) if (Path(export_dir) / f"{number}/saved_model.pb").is_file()]
    if not versions:
        raise InputError(
            f"{export_dir} holds no exported model (a folder 1, 2, ... with a saved_model.pb); export one with "
            "--mode=export --workdir=RUN, or name its folder with --export_dir."
        )
    return Path(export_dir) / str(max(versions))


def describe(version: str | Path) -> dict[str, Any]:
    """Answers, questions, asked_after, image_size, channels and crop_fraction of an exported model.

    Raises:
        InputError: the SavedModel was not written by `export_model`.
    """
    path = Path(version) / _DESCRIPTION
    if not path.is_file():
        raise InputError(f"{version} lacks {_DESCRIPTION}, so its answers are unknown; export it with --mode=export.")
    return json.loads(path.read_text())


def described_questions(description: dict[str, Any]) -> Questions:
    """What an exported model answers.

    Args:
        description: of `describe`; an older one lists answers alone, of one question.
    """
    answers = description.get("questions", {"answers": description["answers"]})
    return named_questions(answers, description.get("asked_after", {}))


def _publish(building: Path, export_dir: Path) -> Path:
    """Renames the finished folder to the next version; another export may take a number meanwhile."""
    while True:
        version = export_dir / str(max(_numbers(export_dir), default=0) + 1)
        try:
            published = building.rename(version)
            flush(export_dir)
            return published
        except OSError:
            if not version.exists():
                raise


def _numbers(export_dir: str | Path) -> list[int]:
    """The names in a folder that TF Serving takes for versions."""
    path = Path(export_dir)
    return [int(one.name) for one in path.iterdir() if one.name.isdecimal()] if path.is_dir() else []
