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
from etvae_tf.experiments.report import label_efficiency, write_report
from etvae_tf.report import bars_table, question_table

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


def test_arms_that_answer_other_questions_are_compared_by_question_alone(tmp_path: Path) -> None:
    rows = []
    for arm, answers in (("tree", ("a", "b", "c", "d")), ("alone", ("c", "d"))):
        for seed in (0, 1):
            rows.append({
                "arm": arm, "n_labels": 10, "seed": seed, "n_galaxies": 2, "constant_vote_rmse": 0.5,
                "constant_mean_vote_l1": 1.0, "vote_rmse": 0.1, "mean_vote_l1": 0.2, "vote_nll": 0.3,
                "vote_rmse_then": 0.1 if arm == "tree" else 0.3 + 0.1 * seed,
                "vote_rmse_first": 0.2 if arm == "tree" else np.nan,
                "constant_vote_rmse_then": 0.6, "constant_vote_rmse_first": 0.7 if arm == "tree" else np.nan,
            })  # fmt: skip
            folder = tmp_path / "runs" / f"{arm}_n10_seed{seed}"
            folder.mkdir(parents=True)
            table = {"id": ["asked", "not asked"]}
            for one in answers:
                table |= {f"{one}_voted": [0.5, np.nan], f"{one}_predicted": [0.6, 0.6]}
            pd.DataFrame(table).to_csv(folder / "predictions.csv", index=False)
    summary = write_report(tmp_path, pd.DataFrame(rows), "study", "tree", "galaxies").set_index("arm")
    assert "vote_rmse_difference" not in summary
    assert summary.loc["alone", "mean_vote_l1"] == pytest.approx(0.2), "nobody was asked of the other galaxy"
    assert summary.loc["alone", "vote_rmse"] == pytest.approx(0.1)
    text = (tmp_path / "study.md").read_text()
    assert "| 10 | alone | 0.1000 [0.1000, 0.1000] +- 0.0000 | 0.2000 [0.2000, 0.2000] +- 0.0000 | 0.3000 |" in text
    reach = 12.7062 * 0.05  # Student's t with one degree of freedom, times the standard error of 0.3 and 0.4
    mean, low, high = summary.loc["alone", [f"vote_rmse_of_then_difference{end}" for end in ("", "_low", "_high")]]
    np.testing.assert_allclose([mean, low, high], [0.25, 0.25 - reach, 0.25 + reach], atol=1e-4)
    assert "| first | 0.7000 | 10 | tree | 0.2000 [0.2000, 0.2000] |  |" in text
    assert f"| then | 0.6000 | 10 | alone | 0.3500 [{0.35 - reach:.4f}, {0.35 + reach:.4f}] | +0.2500 [" in text
    assert "| first | 0.7000 | 10 | alone" not in text
    once = question_table(summary.reset_index(), pd.DataFrame(rows).drop(columns="vote_rmse_first"))
    assert once is None, "one question is in the main table"


def test_the_table_of_error_bars_has_the_arms_that_have_some() -> None:
    summary = pd.DataFrame(
        {
            "arm": ["plain", "sure"], "n_labels": 10,
            "coverage_90_a": [np.nan, 0.9], "interval_width_a": [np.nan, 0.4], "coverage_90_b_c": [np.nan, 0.8],
        }
    )  # fmt: skip
    assert bars_table(summary) == (["answer", "sure"], [["a", "0.900, 0.400 wide"], ["b c", "0.800"]])
    assert bars_table(summary[:1]) is None
