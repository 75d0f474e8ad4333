"""The page of a study says what its tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs import quicktest
from etvae_tf.errors import InputError
from etvae_tf.files import write_json
from etvae_tf.report import report

ARMS = {"supervised": 0.2, "two_step": 0.15}
MANIFEST = {"command": "python main.py", "versions": {"python": "3.11"}, "machine": "here", "galaxies": {"test": 7}}


def row(arm: str, n_labels: int, low: float, high: float) -> dict[str, object]:
    values: dict[str, object] = {
        "arm": arm,
        "n_labels": n_labels,
        "seeds": 2,
        "vote_nll": 0.3,
        "coverage_90_smooth": 0.912 if arm == "two_step" else np.nan,
        "interval_width_smooth": 0.345,
        "equivalent_labels": np.inf if arm == "two_step" else n_labels,
    }
    for metric in ("vote_rmse", "mean_vote_l1"):
        values |= {metric: ARMS[arm], f"{metric}_low": ARMS[arm] - 0.01, f"{metric}_high": ARMS[arm] + 0.01}
        values[f"{metric}_galaxies"] = 0.003
        other = arm != "supervised"
        ends = {"": -0.05, "_low": low, "_high": high, "_galaxies": 0.002}
        values |= {f"{metric}_difference{end}": value if other else np.nan for end, value in ends.items()}
    return values


def words(page: Path) -> str:
    """The page without what only says where lines break."""
    return page.read_text(encoding="utf-8").replace("\u00a0", " ").replace("<wbr>", "")


def study(root: Path, low: float = -0.08, high: float = -0.02) -> Path:
    pd.DataFrame([row(arm, n, low, high) for n in (20, 40) for arm in ARMS]).to_csv(root / "table1.csv", index=False)
    (root / "table1.md").write_text("| table |\n\nMeans over 2 seeds.\n")
    runs = [(arm, n, seed) for n in (20, 40) for arm in ARMS for seed in (0, 1)]
    for arm, n_labels, seed in runs:
        folder = root / "runs" / f"{arm}_n{n_labels}_seed{seed}"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(quicktest.get_config().to_json())
        write_json(folder / "manifest.json", MANIFEST)
    (folder / "report.html").write_text("")
    table = pd.DataFrame(runs, columns=["arm", "n_labels", "seed"]).assign(vote_rmse=0.1234, mean_vote_l1=0.3)
    table.to_csv(root / "learning_curve.csv", index=False)
    return root


@pytest.mark.parametrize(("high", "verdict"), [(-0.02, "excludes"), (0.02, "includes")])
def test_headline_table_and_runs(high: float, verdict: str, tmp_path: Path) -> None:
    text = words(report(str(study(tmp_path, high=high))))
    assert (
        "With 40 labels, two_step has the least vote_rmse: 0.1500 [0.1400, 0.1600]; "
        f"minus supervised: -0.0500 [-0.0800, {high:+.4f}]; the interval {verdict} zero. "
        "Its 90 % intervals hold 0.91 to 0.91 of the votes."
    ) in text
    assert text.count("<td>0.1500 [0.1400, 0.1600] +- 0.0030</td>") == 4  # two metrics, 20 and 40 labels
    assert text.count("<td>0.1234</td>") == 8 and "Means over 2 seeds." in text
    assert text.count('href="runs/two_step_n40_seed1/report.html"') == 2 == text.count('href="runs/')
    assert text.count("<td>more than 40</td>") == 2 and "labels supervised needs" in text
    assert text.count("<td>0.912, 0.345 wide</td>") == 2, "of the arm that has error bars, 20 and 40 labels"
    assert 'id="questions"' not in text and "A run with the most labels: two_step_n40_seed1" in text


def test_the_run_that_is_shown_has_a_page_if_any_has(tmp_path: Path) -> None:
    root = study(tmp_path)
    (root / "runs" / "two_step_n40_seed1" / "report.html").unlink()
    assert "A run with the most labels: two_step_n40_seed0" in words(report(str(root)))
    (root / "runs" / "supervised_n40_seed1" / "report.html").write_text("")
    assert "A run with the most labels: supervised_n40_seed1" in words(report(str(root)))


def test_one_seed_has_no_verdict(tmp_path: Path) -> None:
    text = words(report(str(study(tmp_path, np.nan, np.nan))))
    assert "0.1500 [0.1400, 0.1600]; minus supervised: -0.0500. Its 90 %" in text


def test_an_unfinished_study_is_refused(tmp_path: Path) -> None:
    study(tmp_path)
    (tmp_path / "table1.md").unlink()
    with pytest.raises(InputError, match="not finished; repeat its command"):
        report(str(tmp_path))


def test_arms_that_answer_different_questions_are_compared_by_question(tmp_path: Path) -> None:
    root = study(tmp_path)
    table, runs = pd.read_csv(root / "table1.csv"), pd.read_csv(root / "learning_curve.csv")
    table = table.drop(columns=table.filter(like="_difference").columns)
    reference = table["arm"] == "supervised"
    for question, value in {"shape": 0.21, "arms": 0.31}.items():
        runs[f"vote_rmse_{question}"] = value
        runs[f"constant_vote_rmse_{question}"] = value + 0.1
        asked = reference if question == "shape" else reference | True
        for end, shift in {"": 0, "_low": -0.01, "_high": 0.01}.items():
            table[f"vote_rmse_of_{question}{end}"] = np.where(asked, value + shift, np.nan)
            difference = np.where(reference | (question == "shape"), np.nan, -0.05 + shift)
            table[f"vote_rmse_of_{question}_difference{end}"] = difference
    table.to_csv(root / "table1.csv", index=False)
    runs.to_csv(root / "learning_curve.csv", index=False)
    text = words(report(str(root)))
    assert "The arms answer different questions" in text and "A run with the most labels: two_step_n40_seed1" in text
    assert 'id="curve"' not in text, "nothing ranks them on one axis"
    rows = text.split('id="questions"')[1].split("</table>")[0].split("<tr>")[2:]
    cells = [[cell.split("<")[0] for cell in row.split("<td>")[1:]] for row in rows]
    arms = "0.3100 [0.3000, 0.3200]"
    assert cells == [
        ["shape", "0.3100", "20", "supervised", "0.2100 [0.2000, 0.2200]", ""],
        ["shape", "0.3100", "40", "supervised", "0.2100 [0.2000, 0.2200]", ""],
        ["arms", "0.4100", "20", "supervised", arms, ""],
        ["arms", "0.4100", "20", "two_step", arms, "-0.0500 [-0.0600, -0.0400]"],
        ["arms", "0.4100", "40", "supervised", arms, ""],
        ["arms", "0.4100", "40", "two_step", arms, "-0.0500 [-0.0600, -0.0400]"],
    ]


def test_without_error_bars_the_page_says_so(tmp_path: Path) -> None:
    root = study(tmp_path)
    table = pd.read_csv(root / "table1.csv")
    table.drop(columns=["coverage_90_smooth", "interval_width_smooth"]).to_csv(root / "table1.csv", index=False)
    assert "none has error bars" in words(report(str(root)))
