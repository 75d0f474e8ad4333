"""A trained run on any labelled table: what `python main.py --mode=evaluate` does, callable from Python."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from ml_collections import ConfigDict

from etvae_tf.data import Galaxies, data_fingerprints, load_labelled
from etvae_tf.data.validate import validate_data
from etvae_tf.errors import InputError
from etvae_tf.evaluation.error_bars import coverage_metrics
from etvae_tf.evaluation.evaluate import evaluate_model, summarise, write_predictions, write_votes_figure
from etvae_tf.files import write_json
from etvae_tf.training import finished_run, load_model

__all__ = ["evaluate_run"]


def evaluate_run(workdir: str | None, given: Mapping[str, Any], include_learnt: bool = False) -> dict[str, Any]:
    """Scores a trained run on a labelled table, into RUN/evaluation/TABLE/.

    Galaxies that the run learnt from, with or without their labels, are left out and counted. Pictures are prepared,
    and columns read, as they were for training, where `given` does not say otherwise.

    Args:
        workdir: folder of the trained run.
        given: config fields by name: data.table and data.images, data.split to score its test galaxies alone, and
            what differs from the run's data.answer_columns, data.questions, data.id_column, data.label_kind,
            data.pseudo_count and data.crop_fraction. Answer columns given here stand for the run's answers, in order.
        include_learnt: score those galaxies, too, and mark them in the table of predictions (column `learnt`).

    Returns:
        What that folder's metrics.json holds.

    Raises:
        InputError: no such run, no table, bad data, or nothing left to score.
    """
    run = finished_run(workdir or _missing("--workdir=RUN"))
    if not given.get("data.table"):
        _missing("--data=TABLE and --images=FOLDER_OR_ZIP")
    folder, questions = run.folder, run.questions
    config = _config(run.config, given)
    galaxies, found = load_labelled(config)
    galaxies = _in_order(galaxies, found.answers, questions.answers, "data.answer_columns" in given)
    learnt = folder.has_learnt(galaxies)
    if learnt.all() and not include_learnt:
        raise InputError(
            f"the run in {folder.path} learnt from all {len(galaxies)} galaxies of the table, so none is left to score "
            "it on; give other galaxies, or add --include_learnt."
        )
    scored = galaxies if include_learnt else galaxies.select(~learnt)
    constant = [run.metrics["constant_mean"]["fractions"][answer] for answer in questions.answers]
    metrics, predictions = evaluate_model(load_model(folder.model), scored, constant, questions)
    if "even_concentrations" in run.metrics:
        sure = run.even_concentrations
        metrics |= coverage_metrics(scored.votes, predictions["vote_fractions"], sure, questions)
    metrics["learnt_galaxies"] = int(learnt.sum())
    target = _claim(folder.path / "evaluation", config, given, include_learnt)
    write_predictions(
        target / "predictions.csv", scored, predictions, questions, {"learnt": learnt} if include_learnt else {}
    )
    write_votes_figure(target / "votes.png", scored, predictions, questions)
    write_json(target / "metrics.json", metrics)
    fate = "scored, too, and marked in predictions.csv" if include_learnt else "left out"
    print(f"the run learnt from {int(learnt.sum())} of {len(galaxies)} galaxies with votes: they are {fate}")
    print(summarise(metrics, target))
    return metrics


def _config(trained: ConfigDict, given: Mapping[str, Any]) -> ConfigDict:
    """The run's config with the galaxies of a table."""
    config = trained.copy_and_resolve_references()
    config.data.missing_pictures = config.data.get("missing_pictures", 0.1)  # older runs lack the field
    config.data.cache_dir = ""
    with config.ignore_type():
        config.update_from_flattened_dict({"data.split": "", "data.unlabelled": "", **given})
    validate_data(config)
    return config


def _in_order(galaxies: Galaxies, found: tuple[str, ...], answers: tuple[str, ...], stated: bool) -> Galaxies:
    """Galaxies whose votes stand in the order of the run's answers.

    Args:
        galaxies: of the table.
        found: its answers.
        answers: the run's.
        stated: the user named the columns, in the order of the run's answers.
    """
    if stated and len(found) == len(answers):
        return galaxies
    if sorted(found) != sorted(answers):
        raise InputError(
            f"the table answers {', '.join(found)}, but the run learnt {', '.join(answers)}; name the columns of these "
            "answers, in this order, with --config.data.answer_columns."
        )
    return replace(galaxies, votes=galaxies.votes[:, [found.index(answer) for answer in answers]])


def _claim(parent: Path, config: ConfigDict, given: Mapping[str, Any], include_learnt: bool) -> Path:
    """The folder of this evaluation: TABLE, or TABLE-DIGEST where that one holds another."""
    paths = ("data.table", "data.images", "data.split", "data.cache_dir")
    options = {name: value for name, value in sorted(given.items()) if name not in paths}
    inputs = {"fingerprints": data_fingerprints(config), "options": options, "include_learnt": include_learnt}
    inputs = json.loads(json.dumps(inputs))
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:8]
    name = Path(config.data.table).stem
    for folder in (parent / name, parent / f"{name}-{digest}"):
        record = folder / "inputs.json"
        if not folder.exists() or (record.exists() and json.loads(record.read_text()) == inputs):
            break
    write_json(record, inputs)
    return folder


def _missing(flag: str) -> NoReturn:
    raise InputError(f"--mode=evaluate scores a trained run on a table; add {flag}.")
