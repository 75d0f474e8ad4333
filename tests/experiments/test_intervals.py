"""Intervals over seeds and galaxies, label efficiency, and the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tolerances import COVERAGE_ATOL

from etvae_tf.experiments import seed_interval
from etvae_tf.experiments.intervals import galaxy_share
from etvae_tf.experiments.report import _by_question, label_efficiency, write_report

SEEDS, GALAXIES = 4, 500


def errors(level: float, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).exponential(level, (SEEDS, GALAXIES))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_interval_over_few_seeds_covers_what_it_says(seeds: int) -> None:
    draws = np.random.default_rng(seeds).standard_normal((5_000, seeds))
    covered = np.mean([interval.low <= 0 <= interval.high for interval in map(seed_interval, draws)])
    assert covered == pytest.approx(0.95, abs=COVERAGE_ATOL)


def test_interval_over_seeds_is_that_of_scipys_paired_test() -> None:
    own, reference = errors(0.03).mean(axis=1), errors(0.02, seed=1).mean(axis=1)
    expected = stats.ttest_rel(own, reference).confidence_interval(0.95)
    interval = seed_interval(own - reference)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.mean == pytest.approx(own.mean() - reference.mean())


def test_one_seed_has_no_interval() -> None:
    interval = seed_interval(np.array([0.2]))
    assert interval.mean == 0.2 and np.isnan(interval.low) and np.isnan(interval.high)


def test_share_of_the_galaxies_is_what_theory_gives() -> None:
    values = np.tile(errors(1.0)[:1], (SEEDS, 1))
    assert galaxy_share(values, root=False) == pytest.approx(1.96 * values[0].std() / np.sqrt(GALAXIES), rel=0.1)
    assert galaxy_share(values**2, root=True) < galaxy_share(values**2, root=False)  # half the slope at a mean of 2


def test_pairing_takes_out_what_two_arms_share() -> None:
    values = errors(1.0)
    assert galaxy_share(values - 0.01, False, values) == pytest.approx(0, abs=1e-12)


def test_galaxies_that_a_seed_did_not_score_say_nothing_of_it() -> None:
    values = errors(1.0)
    halves = np.full((SEEDS, 2 * GALAXIES), np.nan)
    halves[:2, :GALAXIES], halves[2:, GALAXIES:] = values[:2], values[2:]
    apart = galaxy_share(halves, root=False)
    both = [galaxy_share(part, root=False) for part in (values[:2], values[2:])]
    assert apart == pytest.approx(np.hypot(*both) / 2, rel=0.15)  # of two independent means


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
    summary = write_report(tmp_path, pd.DataFrame(rows), "study", "reference", "test galaxies").set_index(
        ["arm", "n_labels"]
    )
    assert summary.index[0] == ("reference", 10)
    better = summary.loc[("better", 20)]
    assert better["vote_rmse"] == pytest.approx(0.1) and better["mean_vote_l1"] == pytest.approx(0.2)
    assert better["vote_rmse_difference"] == pytest.approx(-0.1)
    assert better["mean_vote_l1_difference_high"] == pytest.approx(-0.2)
    assert np.isinf(better["equivalent_labels"])
    text = (tmp_path / "study.md").read_text()
    assert "| 20 | better | 0.1000 [0.1000, 0.1000] +- 0.0000 | -0.1000 [-0.1000, -0.1000] +- 0.0000 |" in text
    assert "| more than 20 | 0.3000 |" in text and "vote_rmse 0.5000" in text
    assert "over the 3 test galaxies alone" in text
    assert (tmp_path / "learning_curve.png").stat().st_size > 10_000


def test_report_has_a_table_by_question_where_arms_answer_several() -> None:
    runs = pd.DataFrame(
        {
            "arm": ["tree", "alone"] * 2, "n_labels": 300, "seed": [0, 0, 1, 1],
            "vote_rmse_a": [0.2, 0.3, 0.2, 0.3], "vote_rmse_b": [0.1, np.nan, 0.2, np.nan],
        }
    )  # fmt: skip
    lines = _by_question(runs, "tree")
    assert "| labels | arm | a | b |" in lines
    assert "| 300 | tree | 0.2000 | 0.1500 |" in lines
    assert "| 300 | alone | 0.3000 (+0.1000 [+0.1000, +0.1000]) |  |" in lines
    assert _by_question(runs.drop(columns="vote_rmse_b"), "tree") == []


def test_arms_that_answer_other_questions_are_not_subtracted(tmp_path: Path) -> None:
    rows = []
    for arm, answers, galaxies in (("tree", ("a", "b", "c", "d"), 3), ("alone", ("c", "d"), 2)):
        for seed in (0, 1):
            rows.append({
                "arm": arm, "n_labels": 10, "seed": seed, "n_galaxies": galaxies, "constant_vote_rmse": 0.5,
                "constant_mean_vote_l1": 1.0, "vote_rmse": 0.1, "mean_vote_l1": 0.2, "vote_nll": 0.3,
                "vote_rmse_then": 0.1, "vote_rmse_first": 0.2 if arm == "tree" else np.nan,
            })  # fmt: skip
            folder = tmp_path / "runs" / f"{arm}_n10_seed{seed}"
            folder.mkdir(parents=True)
            table = {"id": [str(number) for number in range(galaxies)]}
            table |= {f"{one}_{what}": 0.5 for one in answers for what in ("voted", "predicted")}
            pd.DataFrame(table).to_csv(folder / "predictions.csv", index=False)
    summary = write_report(tmp_path, pd.DataFrame(rows), "study", "tree", "galaxies").set_index("arm")
    assert "vote_rmse_difference" not in summary
    text = (tmp_path / "study.md").read_text()
    assert (
        "| 10 | alone | 0.0000 [0.0000, 0.0000] +- 0.0000 |  | 0.0000 [0.0000, 0.0000] +- 0.0000 |  |  | 0.3000 |"
        in text
    )
    assert "| 10 | alone | 0.1000 (+0.0000 [+0.0000, +0.0000]) |  |" in text
