"""`python main.py` as a user meets it: a whole run in a process of its own, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from absl import flags
from PIL import Image

from etvae_tf import cli

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = ["smooth", "featured_or_disk", "artifact"]


QUICK = f"--config={ROOT / 'configs' / 'quicktest.py'}"


def main(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "main.py", *words], cwd=ROOT, capture_output=True, text=True)


class Command:
    """What main.py does, in this process: its start takes longer than most of these tests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self._monkeypatch.setattr(sys, "argv", ["main.py", *words])
        values, code = flags.FlagValues(), 0
        try:
            cli._define_flags(values)
            cli._parse(sys.argv, values)
            cli._call(values)
        except SystemExit as stopped:
            code = stopped.code
        return code, *self._capsys.readouterr()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 60 galaxies in Kaggle's form and a zip of their pictures."""
    folder = tmp_path_factory.mktemp("survey")
    random = np.random.default_rng(0)
    ids = np.arange(100, 160)
    fractions = random.dirichlet([2, 2, 0.2], len(ids))
    columns = {f"Class1.{index + 1}": fractions[:, index] for index in range(3)}
    pd.DataFrame({"GalaxyID": ids, **columns}).to_csv(folder / "votes.csv", index=False)
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for galaxy in ids:
            picture = folder / f"{galaxy}.jpg"
            Image.fromarray(random.integers(0, 255, (48, 48, 3), dtype=np.uint8)).save(picture)
            archive.write(picture, picture.name)
            picture.unlink()
    return folder


@pytest.fixture(scope="module")
def trained(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on the survey."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    finished = main(
        QUICK, f"--workdir={workdir}", f"--data={survey / 'votes.csv'}", f"--images={survey / 'pictures.zip'}",
        "--n_labels=30",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    score, _, bars, _ = finished.stdout.strip().splitlines()[-4:]
    assert score.startswith("vote_rmse ") and bars.startswith("90 % intervals cover ")
    return workdir


def test_run_folder_is_complete(trained: Path, survey: Path) -> None:
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()}
    wanted = {
        "config.json", "manifest.json", "split.csv", "learnt.parquet", "history.csv", "model.keras", "vae.keras",
        "metrics.json", "predictions.csv", "report.html", "figures/latents.png", "figures/pose.png",
        "figures/reconstructions.png", "figures/losses.png", "figures/votes.png", "figures/coverage.png",
        "checkpoints/checkpoint",
    }  # fmt: skip
    assert wanted <= names
    assert any(name.startswith("tensorboard/") for name in names)
    assert not [name for name in names if Path(name).name.startswith(".")], "no temporary file stays"

    metrics = json.loads((trained / "metrics.json").read_text())
    split = pd.read_csv(trained / "split.csv")
    assert metrics["n_galaxies"] == (split["split"] == "test").sum()
    for name in ("vote_rmse", "mean_vote_l1", "vote_nll", "accuracy"):
        assert np.isfinite(metrics[name]) and np.isfinite(metrics["constant_mean"][name])
    assert set(metrics["rmse_by_answer"]) == set(ANSWERS)
    assert 0 <= metrics["pose_error_degrees"] <= 90
    assert metrics["prediction_spread_under_rotation"] >= 0
    assert metrics["even_concentrations"]["smooth-or-featured"] > 0
    assert set(metrics["coverage"]) == {"50", "80", "90", "95"} and set(metrics["coverage"]["90"]) == set(ANSWERS)
    assert set(metrics["wall_seconds"]) == {"data", "vae", "votes", "evaluation"}

    manifest = json.loads((trained / "manifest.json").read_text())
    assert len(manifest["labelled_ids"]) == 30
    test_ids = set(split.loc[split["split"] == "test", "id"].astype(str))
    assert not test_ids & set(manifest["labelled_ids"])
    assert list(pd.read_csv(trained / "history.csv")["phase"]) == ["vae", "vae", "votes"], "30 labels are one epoch"


def test_metrics_are_those_of_the_predictions(trained: Path) -> None:
    table = pd.read_csv(trained / "predictions.csv")
    metrics = json.loads((trained / "metrics.json").read_text())
    error = np.stack([table[f"{answer}_predicted"] - table[f"{answer}_voted"] for answer in ANSWERS], axis=1)
    assert metrics["vote_rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)  # CSV holds float32
    assert metrics["mean_vote_l1"] == pytest.approx(np.abs(error).sum(axis=1).mean(), rel=1e-5)


def test_finished_run_is_not_repeated_and_another_config_is_refused(
    trained: Path, survey: Path, command: Command
) -> None:
    before = (trained / "model.keras").stat().st_mtime_ns
    data = (f"--data={survey / 'votes.csv'}", f"--images={survey / 'pictures.zip'}", f"--workdir={trained}")
    code, printed, _ = command(QUICK, "--n_labels=30", *data)
    assert code == 0 and "complete" in printed
    code, _, error = command(QUICK, "--n_labels=31", *data)
    assert code == 2 and "n_labels was 30, is 31" in error
    assert (trained / "model.keras").stat().st_mtime_ns == before


def test_a_finished_run_is_checked_against_its_data(
    trained: Path, survey: Path, tmp_path: Path, command: Command
) -> None:
    """Other votes, or other pictures, under the same names."""
    votes = pd.read_csv(survey / "votes.csv")
    moved = {path: shutil.move(survey / path, tmp_path / path) for path in ("votes.csv", "pictures.zip")}
    try:
        votes.iloc[::-1].to_csv(survey / "votes.csv", index=False)
        with (
            zipfile.ZipFile(tmp_path / "pictures.zip") as before,
            zipfile.ZipFile(survey / "pictures.zip", "w") as after,
        ):
            for name in before.namelist():
                after.writestr(name, before.read(before.namelist()[0]))
        data = (f"--data={survey / 'votes.csv'}", f"--images={survey / 'pictures.zip'}", f"--workdir={trained}")
        code, _, error = command(QUICK, "--n_labels=30", *data)
    finally:
        for path, place in moved.items():
            shutil.move(place, survey / path)
    assert code == 2 and "begun on other data (changed: images, table)" in error


def test_the_report_is_drawn_again_from_the_data(trained: Path, command: Command) -> None:
    page = trained / "report.html"
    before = page.read_text()
    page.unlink()
    code, printed, error = command("--mode=report", f"--workdir={trained}")
    assert code == 0 and str(page) in printed, error
    after = page.read_text()
    assert before.count("<article") == after.count("<article") == 24
    assert before.split("<h3>Best")[0].count("voted") == after.split("<h3>Best")[0].count("voted")


def test_evaluate_hears_its_flags(trained: Path, survey: Path, command: Command) -> None:
    counts = pd.DataFrame({"name": np.arange(100, 160), **{answer: np.arange(60) + 3 for answer in ANSWERS}})
    counts.to_parquet(survey / "other.parquet")
    code, _, error = command(
        "--mode=evaluate", f"--workdir={trained}", f"--data={survey / 'other.parquet'}",
        f"--images={survey / 'pictures.zip'}", "--config.data.id_column=name",
        f"--config.data.answer_columns={','.join(ANSWERS)}",
    )  # fmt: skip
    assert code == 0, error
    metrics = json.loads((trained / "evaluation" / "other" / "metrics.json").read_text())
    tests = int((pd.read_csv(trained / "split.csv")["split"] == "test").sum())
    assert (metrics["n_galaxies"], metrics["learnt_galaxies"]) == (tests, 60 - tests)
    assert set(metrics["coverage"]["90"]) == set(ANSWERS)
    assert (trained / "evaluation" / "other" / "votes.png").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--n_labls=3"], "n_labels"),
        (["--seed=-1"], "seed is -1"),
        (["--data=nowhere.csv", "--images={survey}/pictures.zip"], "nowhere.csv"),
        (["--data={survey}/votes.csv", "--images={survey}/nowhere.zip"], "nowhere.zip"),
        (["--data={survey}/votes.csv", "--images={survey}/pictures.zip", "--n_labels=60"], "lower --n_labels"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    flags: list[str], sentence: str, survey: Path, tmp_path: Path, command: Command
) -> None:
    workdir = tmp_path / "run"
    words = [QUICK, f"--workdir={workdir}", *(flag.format(survey=survey) for flag in flags)]
    if flags == ["--n_labls=3"]:  # once in a process of its own
        refused = main(*words)
        code, error = refused.returncode, refused.stderr
    else:
        code, _, error = command(*words)
    lines = [line for line in error.splitlines() if line.startswith("main.py: error: ")]
    assert code == 2, error
    assert len(lines) == 1 and sentence in lines[0]
    assert "Traceback" not in error
    assert not workdir.exists()


def test_evaluate_refuses_a_folder_without_a_run(tmp_path: Path, command: Command) -> None:
    code, _, error = command("--mode=evaluate", f"--workdir={tmp_path}", "--data=table.csv")
    assert code == 2 and "holds no run" in error
