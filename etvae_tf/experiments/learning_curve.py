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
from etvae_tf.experiments.baselines import PROCESSES, Features, mean_run, probe_latents, process_run
from etvae_tf.experiments.judges import judged_by_train
from etvae_tf.experiments.report import write_report
from etvae_tf.fields import choose
from etvae_tf.files import write_atomically
from etvae_tf.report import write_study_page
from etvae_tf.run import train_run
from etvae_tf.training import REGIMES, RunFolder, phases, validate_config

__all__ = ["learning_curve", "run_configs"]

# What `curve.judge` may be, and what the report calls those galaxies.
_JUDGES = {"train": "train galaxies outside the labels", "test": "test galaxies"}
# Without effect on pre-training; runs that differ in any other field do not share it.
_VOTES = {
    "data": ("augment_jitter", "augment_jitter_labels", "validation_fraction", "pseudo_count", "questions"),
    "train": (
        "vote_steps", "vote_steps_per_label", "unlabelled_batch", "labelled_batch", "vote_learning_rate",
        "alternating_from_scratch", "alternating_vae_rate", "freeze_encoder", "folds", "teaching_pictures",
        "teaching_steps",
    ),
}  # fmt: skip


def learning_curve(config: ConfigDict, workdir: str | None) -> pd.DataFrame:
    """Runs every arm of `config.curve`, or goes on where it was interrupted, and writes the report.

    Every arm has the same labelled galaxies at a seed; arms that pre-train the same VAE share it. All are scored on the
    same galaxies: the test galaxies of `config.data`, or train galaxies outside the largest n.

    Args:
        config: of one run, with `curve` (see configs/table1.py): title, reference, arms, means, n_labels, seeds, judge.
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
    study = _Study(root, config.curve, plan)
    rows = []
    for number, (arm, n_labels, seed) in enumerate(plan, start=1):
        print(f"run {number} of {len(plan)}: {arm}, {n_labels} labels, seed {seed}", flush=True)
        rows.append({"arm": arm, "n_labels": n_labels, "seed": seed, **study.run(arm, n_labels, seed)})
        keras.backend.clear_session()
        table = pd.DataFrame(rows)
        write_atomically(root / "learning_curve.csv", lambda path, table=table: table.to_csv(path, index=False))
    write_report(root, table, config.curve.title, config.curve.reference, _JUDGES[config.curve.judge])
    write_study_page(root)
    return table


class _Study:
    """The runs of a plan, and the galaxies that they share.

    Args:
        root: folder of the study.
        curve: `config.curve`.
        plan: see `run_configs`.

    Raises:
        InputError: a run that cannot be begun.
    """

    def __init__(self, root: Path, curve: ConfigDict, plan: dict[tuple[str, int, int], ConfigDict | tuple[str, ...]]):
        self._root, self._curve, self._plan = root, curve, plan
        self._surveys: dict[str, Survey] = {}
        self._judged: dict[tuple[str, int | None], tuple[Survey, Features]] = {}

    def run(self, arm: str, n_labels: int, seed: int) -> dict[str, Any]:
        """A row of learning_curve.csv, without what names the run."""
        run = self._plan[arm, n_labels, seed]
        if isinstance(run, tuple):
            first = self._plan[run[0], n_labels, seed]
            survey, _ = self._galaxies(first)
            parts = [self._folder(part, n_labels, seed) for part in run]
            return {"regime": "mean", **_flat(mean_run(first, self._folder(arm, n_labels, seed), parts, survey))}
        survey, features = self._galaxies(run)
        folder = self._folder(arm, n_labels, seed)
        vae = self._root / "vae" / f"{_digest(_pretraining_of(run, survey.fingerprints))}.keras"
        if run.regime in PROCESSES:
            return {"regime": run.regime, **_flat(process_run(run, folder, survey, features, vae))}
        row = {"regime": run.regime, **_flat(train_run(run, str(folder.path), survey, vae))}
        if _pretrains(run):
            row["probe_vote_rmse"] = probe_latents(vae, run, survey, features)
        return row

    def _folder(self, arm: str, n_labels: int, seed: int) -> RunFolder:
        return RunFolder(self._root / "runs" / f"{arm}_n{n_labels}_seed{seed}")

    def _galaxies(self, run: ConfigDict) -> tuple[Survey, Features]:
        """The galaxies of a run, as they are judged."""
        data, largest = _digest(_data_of(run)), max(self._curve.n_labels)
        if data not in self._surveys:
            config = _with_labels(run, largest)
            self._surveys[data] = load_survey(config)
            draw_data(self._surveys[data], config)
        by_train = self._curve.judge == "train"
        key = (data, run.seed if by_train else None)
        if key not in self._judged:
            self._judged = {other: kept for other, kept in self._judged.items() if other[1] == key[1]}
            survey = self._surveys[data]
            survey = judged_by_train(survey, largest, run.seed) if by_train else survey
            self._judged[key] = (survey, Features(survey))
        return self._judged[key]


def run_configs(config: ConfigDict) -> dict[tuple[str, int, int], ConfigDict | tuple[str, ...]]:
    """The config of every run by (arm, n_labels, seed), seeds outermost: an unfinished study is still a fair one.

    Networks come first, then Gaussian processes, which may see a network's latents, then means: of these, the arms
    whose predictions are averaged stand in the place of a config.

    Raises:
        InputError: the config has no `curve`, a run that is impossible, or an arm that changes what no run has.
    """
    if "curve" not in config:
        raise InputError("the config names no runs to compare; try --config=configs/table1.py or configs/ablations.py.")
    curve = config.curve
    if not (len(curve.arms) and len(curve.n_labels) and len(curve.seeds)):
        raise InputError("config.curve needs at least one of each of arms, n_labels and seeds.")
    names = [*curve.arms, *curve.means]
    choose(config, "curve.reference", names)
    choose(config, "curve.judge", _JUDGES)
    for name, parts in curve.means.items():
        if name in curve.arms or len(parts) < 2 or not set(parts) <= set(curve.arms):
            raise InputError(
                f"config.curve.means.{name} is {tuple(parts)}, but two or more of the arms {', '.join(curve.arms)} "
                "were expected, under a name of its own; mend it."
            )
    arms = {name: _arm(config, name) for name in curve.arms}
    networks = [arm for arm in arms.values() if arm.regime not in PROCESSES]
    for name, arm in arms.items():
        if PROCESSES.get(arm.regime) and not any(_shares_pretraining(arm, network) for network in networks):
            raise InputError(
                f"config.curve.arms.{name} sees the latents of a pre-trained VAE, but no arm pre-trains the same one; "
                "add an arm of regime two_step with the same fields."
            )
    plan: dict[tuple[str, int, int], ConfigDict | tuple[str, ...]] = {}
    for seed, n_labels in product(map(int, curve.seeds), map(int, curve.n_labels)):
        for name in sorted(arms, key=lambda name: arms[name].regime in PROCESSES):
            plan[name, n_labels, seed] = run = arms[name].copy_and_resolve_references()
            run.update({"n_labels": n_labels, "seed": seed})
            _validate(run)
        plan |= {(name, n_labels, seed): tuple(parts) for name, parts in curve.means.items()}
    return plan


def _arm(config: ConfigDict, name: str) -> ConfigDict:
    """The config of an arm, for whichever labels and seed."""
    arm = config.copy_and_resolve_references()
    with arm.unlocked():
        del arm["curve"]
    try:
        arm.update(config.curve.arms[name].to_dict())
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"config.curve.arms.{name} changes a field that no run has: {error}") from error
    return arm


def _validate(run: ConfigDict) -> None:
    """`validate_config`, also of processes, whose pre-training is that of two_step."""
    checked = run.copy_and_resolve_references()
    if run.regime in PROCESSES:
        checked.regime = "two_step"
    validate_config(checked)


def _pretrains(run: ConfigDict) -> bool:
    return not phases(run.regime, run.train, run.n_labels, 1)[0].labelled


def _shares_pretraining(process: ConfigDict, network: ConfigDict) -> bool:
    known = network.regime in REGIMES  # others are refused when all runs are checked
    return known and _pretrains(network) and _pretraining_of(process, {}) == _pretraining_of(network, {})


def _flat(metrics: dict[str, Any]) -> dict[str, Any]:
    """One level: every metric, "constant_" before the constant mean's, wall times as NAME_seconds and their sum."""
    constant = metrics["constant_mean"]
    row = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    for prefix, part in (("", metrics), ("constant_", constant)):
        alone = dict.fromkeys(metrics.get("questions", {}), part)  # processes of an earlier release do not say it
        by_question = part.get("by_question", alone)
        row |= {f"{prefix}vote_rmse_{name}": one["vote_rmse"] for name, one in by_question.items()}
    row |= {f"rmse_{answer}": value for answer, value in metrics["rmse_by_answer"].items()}
    for level, by_answer in metrics.get("coverage", {}).items():
        row |= {f"coverage_{level}_{answer}": share for answer, share in by_answer.items()}
    row |= {f"interval_width_{answer}": width for answer, width in metrics.get("interval_width", {}).items()}
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
