"""Many runs on the same galaxies: arms x numbers of labels x seeds, and what they show together."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from ml_collections import ConfigDict

from etvae_tf.data import Survey, draw_data, load_survey
from etvae_tf.errors import InputError
from etvae_tf.experiments.report import write_report
from etvae_tf.files import write_atomically
from etvae_tf.run import train_run
from etvae_tf.training import validate_config

__all__ = ["learning_curve", "run_configs"]

# Without effect on pre-training; runs that differ in any other field do not share it.
_VOTES = {
    "data": ("augment_jitter", "augment_jitter_labels", "validation_fraction", "pseudo_count"),
    "train": (
        "vote_steps", "vote_steps_per_label", "unlabelled_batch", "labelled_batch", "vote_learning_rate",
        "alternating_from_scratch", "alternating_vae_rate", "freeze_encoder",
    ),
}  # fmt: skip


def learning_curve(config: ConfigDict, workdir: str | None) -> pd.DataFrame:
    """Trains every run of `config.curve`, or goes on where it was interrupted, and writes the report.

    Every arm has the same labelled galaxies at a seed; arms that pre-train the same VAE share it. The test galaxies
    are those of `config.data` for all.

    Args:
        config: of one run, with `curve` (see configs/table1.py): title, reference, arms, n_labels, seeds.
        workdir: folder of all; each run has its own in `runs/`.

    Returns:
        What learning_curve.csv holds: one row a run.

    Raises:
        InputError: a bad config, bad data, or a workdir with other runs.
    """
    if not workdir:
        raise InputError("--mode=learning_curve keeps many runs in one folder; add --workdir=FOLDER.")
    root = Path(workdir)
    plan = run_configs(config)
    for run in plan.values():
        validate_config(run)
    surveys: dict[str, Survey] = {}
    rows = []
    for number, ((arm, n_labels, seed), run) in enumerate(plan.items(), start=1):
        print(f"run {number} of {len(plan)}: {arm}, {n_labels} labels, seed {seed}", flush=True)
        key = _digest(_data_of(run))
        if key not in surveys:
            largest = _with_labels(run, max(config.curve.n_labels))
            surveys[key] = load_survey(largest)
            draw_data(surveys[key], largest)
        folder = root / "runs" / f"{arm}_n{n_labels}_seed{seed}"
        pretraining = _pretraining_of(run, surveys[key].fingerprints)
        metrics = train_run(run, str(folder), surveys[key], root / "vae" / f"{_digest(pretraining)}.keras")
        rows.append({"arm": arm, "regime": run.regime, "n_labels": n_labels, "seed": seed, **_flat(metrics)})
        keras.utils.clear_session(free_memory=False)
        table = pd.DataFrame(rows)
        write_atomically(root / "learning_curve.csv", lambda path, table=table: table.to_csv(path, index=False))
    write_report(root, table, config.curve.title, config.curve.reference)
    return table


def run_configs(config: ConfigDict) -> dict[tuple[str, int, int], ConfigDict]:
    """The config of every run by (arm, n_labels, seed), seeds outermost: an unfinished study is still a fair one.

    Raises:
        InputError: the config has no `curve`, or an arm changes what no run has.
    """
    if "curve" not in config:
        raise InputError("the config names no runs to compare; try --config=configs/table1.py or configs/ablations.py.")
    curve = config.curve
    if not (len(curve.arms) and len(curve.n_labels) and len(curve.seeds)):
        raise InputError("config.curve needs at least one of each of arms, n_labels and seeds.")
    if curve.reference not in curve.arms:
        raise InputError(f"curve.reference is {curve.reference!r}, but one of {', '.join(curve.arms)} was expected.")
    plan = {}
    for seed, n_labels, arm in product(curve.seeds, curve.n_labels, curve.arms):
        run = config.copy_and_resolve_references()
        with run.unlocked():
            del run["curve"]
        try:
            run.update(curve.arms[arm].to_dict())
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"config.curve.arms.{arm} changes a field that no run has: {error}") from error
        run.update({"n_labels": int(n_labels), "seed": int(seed)})
        plan[arm, int(n_labels), int(seed)] = run
    return plan


def _flat(metrics: dict[str, Any]) -> dict[str, Any]:
    """One level: every metric, "constant_" before the constant mean's, wall times as NAME_seconds and their sum."""
    row = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    row |= {f"rmse_{answer}": value for answer, value in metrics["rmse_by_answer"].items()}
    constant = metrics["constant_mean"]
    row |= {f"constant_{name}": constant[name] for name in ("vote_rmse", "mean_vote_l1", "vote_nll")}
    seconds = metrics["wall_seconds"]
    return row | {f"{name}_seconds": value for name, value in seconds.items()} | {"wall_seconds": sum(seconds.values())}


def _data_of(run: ConfigDict) -> dict[str, Any]:
    """What a survey depends on."""
    return {name: value for name, value in run.data.to_dict().items() if not name.startswith("augment_")}


def _pretraining_of(run: ConfigDict, fingerprints: dict[str, str]) -> dict[str, Any]:
    """What a pre-trained VAE depends on, with the data's own fingerprints: files may change under their names."""
    fields = run.to_dict()
    kept = {
        part: {name: value for name, value in fields[part].items() if name not in without}
        for part, without in _VOTES.items()
    }
    if run.data.validation_fraction:  # the pool lacks the validation galaxies, a part of the n
        kept["validation"] = {"n_labels": run.n_labels, "validation_fraction": run.data.validation_fraction}
    return {**kept, "model": fields["model"], "seed": run.seed, "fingerprints": fingerprints}


def _with_labels(run: ConfigDict, n_labels: int) -> ConfigDict:
    """The config with the largest n, so that too few votes are found before the first run."""
    largest = run.copy_and_resolve_references()
    largest.n_labels = n_labels
    return largest


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=list).encode()).hexdigest()[:16]
