"""Bootstrap intervals, label efficiency, and the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from etvae_tf.experiments.intervals import metric_interval, resampling_weights
from etvae_tf.experiments.report import label_efficiency, write_report

SEEDS, GALAXIES = 4, 500


def errors(level: float, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).exponential(level, (SEEDS, GALAXIES))


def test_weights_are_draws_with_replacement() -> None:
    by_seed, by_galaxy = resampling_weights(SEEDS, GALAXIES)
    np.testing.assert_allclose(by_seed.sum(axis=0), 1)
    np.testing.assert_allclose(by_galaxy.sum(axis=0), 1)
    assert set(np.round(np.unique(by_seed) * SEEDS)) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("root", [True, False])
def test_mean_is_the_mean_over_seeds_and_lies_in_its_interval(root: bool) -> None:
    values = errors(0.03)
    interval = metric_interval(values, resampling_weights(SEEDS, GALAXIES), root)
    by_seed = values.mean(axis=1)
    assert interval.mean == pytest.approx(np.mean(np.sqrt(by_seed) if root else by_seed))
    assert interval.low < interval.mean < interval.high


def test_interval_has_the_width_that_theory_gives() -> None:
    values = np.tile(errors(1.0)[:1], (SEEDS, 1))  # seeds agree: the galaxies alone scatter
    interval = metric_interval(values, resampling_weights(SEEDS, GALAXIES), root=False)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values[0].std() / np.sqrt(GALAXIES), rel=0.1)


def test_pairing_takes_out_what_two_arms_share() -> None:
    values, weights = errors(1.0), resampling_weights(SEEDS, GALAXIES)
    difference = metric_interval(values - 0.01, weights, False, values)
    assert (difference.low, difference.high) == pytest.approx((-0.01, -0.01))


def test_label_efficiency_inverts_the_reference_curve() -> None:
    n_labels, curve = np.array([100, 400, 1600]), np.array([0.2, 0.18, 0.16])
    wanted = label_efficiency(np.array([0.2, 0.19, 0.16, 0.15, 0.21]), n_labels, curve)
    np.testing.assert_allclose(wanted, [100, 200, 1600, np.inf, np.nan])
    rising = label_efficiency(np.array([0.18]), n_labels, np.array([0.2, 0.18, 0.19]))
    assert 400 <= rising[0] <= 1600


def test_report_compares_with_the_reference(tmp_path: Path) -> None:
    rows = []
    for arm, shift in (("better", 0.1), ("reference", 0.2)):
        for n_labels in (10, 20):
            for seed in (0, 1):
                rows.append({
                    "arm": arm, "n_labels": n_labels, "seed": seed, "n_galaxies": 3, "constant_vote_rmse": 0.5,
                    "constant_mean_vote_l1": 1.0, "vote_rmse": shift, "mean_vote_l1": 2 * shift,
                    "vote_nll": 0.3,
                })  # fmt: skip
                folder = tmp_path / "runs" / f"{arm}_n{n_labels}_seed{seed}"
                folder.mkdir(parents=True)
                voted = np.full((3, 2), 0.5)
                table = {"id": ["1", "2", "3"], "a_voted": voted[:, 0], "b_voted": voted[:, 1]}
                table |= {"a_predicted": voted[:, 0] + shift, "b_predicted": voted[:, 1] - shift}
                pd.DataFrame(table).to_csv(folder / "predictions.csv", index=False)
    summary = write_report(tmp_path, pd.DataFrame(rows), "study", "reference").set_index(["arm", "n_labels"])
    assert summary.index[0] == ("reference", 10)
    better = summary.loc[("better", 20)]
    assert better["vote_rmse"] == pytest.approx(0.1) and better["mean_vote_l1"] == pytest.approx(0.2)
    assert better["vote_rmse_difference"] == pytest.approx(-0.1)
    assert better["mean_vote_l1_difference_high"] == pytest.approx(-0.2)
    assert np.isinf(better["equivalent_labels"])
    text = (tmp_path / "study.md").read_text()
    assert "| 20 | better | 0.1000 [0.1000, 0.1000] | -0.1000 [-0.1000, -0.1000] |" in text
    assert "| more than 20 | 0.3000 |" in text and "vote_rmse 0.5000" in text
    assert (tmp_path / "learning_curve.png").stat().st_size > 10_000
