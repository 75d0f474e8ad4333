"""What the program does, mode by mode, and which flags and config fields each mode uses; any other is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags
from ml_collections import ConfigDict

from etvae_tf.errors import InputError
from etvae_tf.evaluation import evaluate_run
from etvae_tf.experiments import acquisition_study, benchmark, judge_anomaly, learning_curve
from etvae_tf.inference import (
    Listing,
    Scorer,
    acquire_galaxies,
    embed_pictures,
    exported_scorer,
    find_oddities,
    list_pictures,
    predict_pictures,
    run_scorer,
)
from etvae_tf.inference.acquire import check_choice
from etvae_tf.report import report
from etvae_tf.run import train_run
from etvae_tf.serving.export import export_run
from etvae_tf.training import take_sizes
from etvae_tf.vote_tables import check_output

__all__ = ["MODES", "REAL_FIELDS", "SHORT", "SYNTHETIC_FIELDS", "Mode"]

_SHIPPED = Path(__file__).resolve().parents[1] / "saved_models" / "etvae"  # in a checkout; pip does not install it
SHORT = {  # short flag -> config field
    "regime": "regime",
    "n_labels": "n_labels",
    "seed": "seed",
    "data": "data.table",
    "images": "data.images",
    "unlabelled": "data.unlabelled",
    "split": "data.split",
    "cache_dir": "data.cache_dir",
    "init": "train.init",
}
_TABLE_FIELDS = ("data.id_column", "data.answer_columns", "data.questions", "data.label_kind", "data.pseudo_count")
_PICTURE_FIELDS = ("data.crop_fraction", "data.missing_pictures", "data.cache_dir")
REAL_FIELDS = (*_TABLE_FIELDS, *_PICTURE_FIELDS, "data.test_fraction", "data.split_seed")
SYNTHETIC_FIELDS = ("data.synthetic_train", "data.synthetic_test", "data.synthetic_seed")


class Mode(NamedTuple):
    """What a mode does, and what it uses.

    Attributes:
        does: for --help.
        call: receives the config, the fields that the command line gave by name, and the values of all flags.
        flags: that it uses; a short flag among them is also a config field that it uses.
        fields: of the config that it uses besides, or whole parts of the config; "" for all there are.
        unused: fields that it does not use, though they are among those.
    """

    does: str
    call: Callable[[ConfigDict, dict[str, Any], flags.FlagValues], object]
    flags: tuple[str, ...]
    fields: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def uses(self, field: str) -> bool:
        """Whether it uses a field of the config."""
        used = (*self.fields, *(SHORT[flag] for flag in self.flags if flag in SHORT))
        return any(_within(field, part) for part in used) and not any(_within(field, part) for part in self.unused)


MODES = {
    "train": Mode(
        "train a run and score it on its test galaxies",
        lambda config, given, values: _train(config, given, values),
        ("config", "workdir", *SHORT),
        ("",),
    ),
    "evaluate": Mode(
        "score a trained run on a labelled table",
        lambda config, given, values: evaluate_run(values.workdir, given, values.include_learnt),
        ("workdir", "include_learnt", "data", "images", "split", "cache_dir"),
        (*_TABLE_FIELDS, "data.crop_fraction", "data.missing_pictures"),
    ),
    "learning_curve": Mode(
        "train the runs of config.curve and compare them",
        lambda config, given, values: learning_curve(config, values.workdir),
        ("config", "workdir", "data", "images", "unlabelled", "split", "cache_dir"),
        ("",),
        ("regime", "n_labels", "seed"),
    ),
    "report": Mode(
        "draw the page of a trained run or of a study, report.html in its folder",
        lambda config, given, values: report(values.workdir),
        ("workdir",),
    ),
    "export": Mode(
        "write a trained run as a SavedModel",
        lambda config, given, values: export_run(values.workdir, _export_dir(values)),
        ("workdir", "export_dir"),
    ),
    "predict": Mode(
        "predict votes of pictures (with --data=TABLE: of those it lists) with an exported model or with --workdir=RUN",
        lambda config, given, values: predict_pictures(
            *_survey(config, given, values), values.output, values.n_votes
        ),
        ("workdir", "export_dir", "data", "images", "output", "n_votes"),
        ("data.crop_fraction", "data.id_column"),
    ),
    "embed": Mode(
        "write latents, poses and canonical pictures, draw a map of them, and find the galaxies nearest to one",
        lambda config, given, values: embed_pictures(
            *_survey(config, given, values), values.output, values.canonical, values.neighbours_of
        ),
        ("workdir", "export_dir", "data", "images", "output", "canonical", "neighbours_of"),
        ("data.crop_fraction", "data.id_column"),
    ),
    "anomaly": Mode(
        "rank pictures by how odd they are (with --planted: tell how well faults are found that are planted into them)",
        lambda config, given, values: (judge_anomaly if values.planted else find_oddities)(
            *_survey(config, given, values, with_decoder=True), values.output
        ),
        ("workdir", "export_dir", "data", "images", "output", "planted"),
        ("data.crop_fraction", "data.id_column"),
    ),
    "acquire": Mode(
        "choose galaxies to ask volunteers about next, with an exported model or with --workdir=RUN",
        lambda config, given, values: _acquire(config, given, values),
        ("workdir", "export_dir", "data", "images", "output", "n_galaxies", "strategy", "seed"),
        ("data.crop_fraction", "data.id_column"),
    ),
    "acquisition_study": Mode(
        "simulate acquire on galaxies with votes, by each strategy of config.acquisition, and compare them",
        lambda config, given, values: acquisition_study(config, values.workdir),
        ("config", "workdir", "data", "images", "unlabelled", "split", "cache_dir"),
        ("",),
        ("regime", "n_labels", "seed"),
    ),
    "benchmark": Mode(
        "time the steps of every regime, with and without the pose, on synthetic galaxies",
        lambda config, given, values: benchmark(config, values.json),
        ("config", "json"),
        ("seed", "model", "train", "data"),
        (
            *_TABLE_FIELDS, *SYNTHETIC_FIELDS, "data.table", "data.images", "data.unlabelled", "data.split",
            "data.test_fraction", "data.split_seed", "data.missing_pictures", "data.cache_dir",
            "data.pool_limit", "data.validation_fraction", "train.vae_steps",
            "train.vae_steps_per_picture", "train.vote_steps", "train.vote_steps_per_label", "train.steps_per_epoch",
            "train.alternating_from_scratch", "train.alternating_vae_rate", "train.init", "train.member",
        ),
    ),
}  # fmt: skip


def _train(config: ConfigDict, given: dict[str, Any], values: flags.FlagValues) -> None:
    """Trains, with the sizes of the model that --init names where the command gives no others."""
    take_sizes(config, given)
    train_run(config, values.workdir)


def _survey(
    config: ConfigDict, given: dict[str, Any], values: flags.FlagValues, with_decoder: bool = False
) -> tuple[Listing, Scorer]:
    """The pictures to walk over, and the model that does so."""
    if not values.output:
        raise InputError(f"--mode={values.mode} writes a table; add --images=FOLDER_OR_ZIP --output=table.parquet.")
    check_output(values.output, may_exist=values.mode == "embed")
    listing = list_pictures(config.data.images, config.data.table, config.data.id_column)
    crop_fraction = given.get("data.crop_fraction")
    if values.workdir:
        return listing, run_scorer(values.workdir, crop_fraction, with_decoder)
    return listing, exported_scorer(_export_dir(values), crop_fraction)


def _acquire(config: ConfigDict, given: dict[str, Any], values: flags.FlagValues) -> None:
    """Refuses an impossible choice before a model is loaded."""
    check_choice(values.strategy, values.n_galaxies, config.seed, bool(values.workdir))
    acquire_galaxies(*_survey(config, given, values), values.output, values.n_galaxies, values.strategy, config.seed)


def _export_dir(values: flags.FlagValues) -> str:
    if values.export_dir:
        return values.export_dir
    if not _SHIPPED.is_dir():
        raise InputError(
            f"--mode={values.mode} found no saved_models/etvae beside the package; add --export_dir=FOLDER."
        )
    return str(_SHIPPED)


def _within(field: str, part: str) -> bool:
    """Whether a field, a.b.c, is the part a, a.b or a.b.c; "" holds all."""
    return not part or field == part or field.startswith(f"{part}.")
