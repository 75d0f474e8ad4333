"""Studies end to end in a tiny form: what they leave, how they go on, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict
from runs import plain_config

from configs import ablations, quicktest, table1_quick
from etvae_tf.errors import InputError
from etvae_tf.experiments import learning_curve, run_configs
from etvae_tf.experiments.learning_curve import _VOTES, _pretraining_of
from etvae_tf.experiments.report import write_report
from etvae_tf.models import ETVAE

pytestmark = pytest.mark.usefixtures("eager_steps")


def tiny() -> ConfigDict:
    config = table1_quick.get_config()
    small = quicktest.get_config()
    for part in ("data", "model", "train"):
        config[part].update(small[part])
    config.data.validation_fraction = 0.0  # as in table1: runs of one seed then share their pre-training
    config.curve.n_labels = (20, 40)
    config.curve.seeds = (0, 1)
    return config


@pytest.mark.slow
@pytest.mark.usefixtures("blank_figures")
def test_study_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits, original = [], ETVAE.fit

    def fit(self: ETVAE, *args: object, **kwargs: object) -> object:
        if len(fits) == 4:
            raise KeyboardInterrupt
        fits.append(1)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ETVAE, "fit", fit)
    config = tiny()
    config.model.update(plain_config().model)
    with config.unlocked():
        del config.curve.arms["alternating"]
    config.curve.n_labels, config.curve.judge = (40,), "test"
    with pytest.raises(KeyboardInterrupt):
        learning_curve(config, str(tmp_path / "study"))
    written = pd.read_csv(tmp_path / "study" / "learning_curve.csv")
    assert 0 < len(written) < 10
    monkeypatch.setattr(ETVAE, "fit", original)
    table = learning_curve(config, str(tmp_path / "study"))
    assert len(table) == 10 and set(table["arm"]) == {
        "supervised", "two_step", "gaussian_process", "gaussian_process_latents", "supervised_and_process"
    }  # fmt: skip
    assert table.groupby("arm")["probe_vote_rmse"].count().to_dict() == {
        arm: 2 * (arm == "two_step") for arm in set(table["arm"])
    }
    assert len(list((tmp_path / "study" / "vae").glob("*.keras"))) == 2  # one pre-training a seed
    pd.testing.assert_frame_equal(table.head(len(written)), written, check_dtype=False)
    for name in ("table1_quick.md", "table1_quick.csv", "learning_curve.png", "learning_curve.csv", "report.html"):
        assert (tmp_path / "study" / name).exists()
    labelled = {
        arm: json.loads((tmp_path / "study" / "runs" / f"{arm}_n40_seed1" / "manifest.json").read_text())[
            "labelled_ids"
        ]
        for arm in ("supervised", "two_step")
    }
    assert labelled["supervised"] == labelled["two_step"]
    rmse = [
        np.sqrt(np.mean((votes.filter(like="_voted").to_numpy() - votes.filter(like="_predicted").to_numpy()) ** 2))
        for votes in [pd.read_csv(tmp_path / "study" / "runs" / "two_step_n40_seed0" / "predictions.csv")]
    ]
    row = table[(table["arm"] == "two_step") & (table["n_labels"] == 40) & (table["seed"] == 0)]
    assert row["vote_rmse"].item() == pytest.approx(rmse[0], rel=1e-4)
    for rows, sentence in [
        (table, "Means over 2 seeds, in brackets their 95 % t interval"),
        (table[table["seed"] == 1], "Seed 1 alone, so that nothing is known of other seeds"),
    ]:
        write_report(tmp_path / "study", rows, "table1_quick", "supervised", "test galaxies")
        assert sentence in (tmp_path / "study" / "table1_quick.md").read_text()


def test_arms_change_fields_of_a_run() -> None:
    config = tiny()
    with config.unlocked():
        config.curve.arms = {"plain": {"regime": "two_step"}, "no_pose": {"model": {"pose": {"group": "none"}}}}
        config.curve.means = {}
        config.curve.reference = "plain"
    plan = run_configs(config)
    assert list(plan)[:2] == [("no_pose", 20, 0), ("plain", 20, 0)]
    assert plan["no_pose", 40, 1].model.pose.group == "none" and plan["plain", 40, 1].model.pose.group == "rotation"
    assert plan["plain", 40, 1].seed == 1 and "curve" not in plan["plain", 40, 1]


def test_arms_share_pretraining_only_where_nothing_else_differs() -> None:
    runs = {arm: run for (arm, n, seed), run in run_configs(ablations.get_config()).items() if (n, seed) == (100, 0)}
    sky = {"images": "a digest"}
    as_it_is = _pretraining_of(runs["as_it_is"], sky)
    sharing = {arm for arm, run in runs.items() if _pretraining_of(run, sky) == as_it_is}
    assert sharing == {"as_it_is", "untaught", "folds", "encoder_frozen"}
    longer = runs["as_it_is"].copy_and_resolve_references()
    longer.train.vae_steps_per_picture += 0.1
    assert _pretraining_of(longer, sky) != as_it_is
    assert _pretraining_of(runs["as_it_is"], {"images": "other pictures under the same name"}) != as_it_is
    assert all(name in longer[part] for part, names in _VOTES.items() for name in names)


COLOUR_LATENTS = {"regime": "gaussian_process_latents", "data": {"channels": 3}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reference": "nothing"}, "curve.reference is 'nothing'"),
        ({"judge": "validation"}, "curve.judge is 'validation', but one of train, test"),
        ({"n_labels": (20, 200)}, "all 200 with votes are among the 200 labelled ones"),
        ({"means": {"both": ("supervised", "nothing")}}, "curve.means.both is .*two or more of the arms"),
        ({"means": {"two_step": ("supervised", "two_step")}}, "a name of its own"),
        ({"seeds": ()}, "at least one of each"),
        ({"n_labels": (20, 5000)}, "only 200 of the"),
        ({"arms": {"supervised": {"regime": "semi"}}}, "supervised, alternating, two_step"),
        ({"arms": {"supervised": {"regim": "two_step"}}}, "changes a field that no run has"),
        ({"arms": {"supervised": {}, "latents": COLOUR_LATENTS}}, "no arm pre-trains the same one"),
    ],
)
def test_bad_studies_are_refused(change: dict, sentence: str, tmp_path: Path) -> None:
    config = tiny()
    with config.unlocked():
        for name, value in change.items():
            if name in ("arms", "means"):
                del config.curve[name]
            if name == "arms":
                config.curve.means = {}
            config.curve[name] = value
    with pytest.raises(InputError, match=sentence):
        learning_curve(config, str(tmp_path / "study"))
    assert not (tmp_path / "study").exists()


def test_a_plain_config_and_a_missing_workdir_are_refused() -> None:
    with pytest.raises(InputError, match="configs/table1.py"):
        learning_curve(quicktest.get_config(), "anywhere")
    with pytest.raises(InputError, match="--workdir"):
        learning_curve(tiny(), None)


def test_runs_that_hold_galaxies_out_share_pretraining_with_the_same_ones_alone() -> None:
    """The pool lacks the validation galaxies, which are a part of the n."""
    config = tiny()
    for fraction, shared in [(0.0, True), (0.1, False)]:
        config.data.validation_fraction = fraction
        runs = run_configs(config)
        few, many, again = (_pretraining_of(runs[key], {}) for key in (
            ("two_step", 20, 0), ("two_step", 40, 0), ("alternating", 20, 0)
        ))  # fmt: skip
        assert (few == many) == shared and few == again
