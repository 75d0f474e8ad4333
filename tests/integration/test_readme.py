"""README and guide say what is there: Python runs as it stands, with fewer steps, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import etvae_tf

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 25  # lines
FEWER = {"steps=100": "steps=2", "epochs=10": "epochs=2", "synthesise(2000": "synthesise(1920"}


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODEL, BASELINE = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.DOTALL)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Sphinx checks those inside the guide when it is built."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith(("https://", "#")):
            assert (page.parent / link.split("#")[0]).exists(), link


@pytest.mark.slow
@pytest.mark.parametrize("page", ["error_bars.md", "extending.md"])
def test_short_python_of_the_guide_runs(page: str) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(snippet, page, "exec"), names)
    if page == "error_bars.md":
        assert np.all(names["low"] <= names["fractions"]) and np.all(names["fractions"] <= names["high"])


@pytest.mark.slow
def test_the_baseline_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(BASELINE, "python.md", "exec"), names)
    predicted = names["process"].predict(names["measure_centre"](names["galaxies"].images[300:]))
    error = predicted - names["galaxies"].fractions[300:]
    constant = names["galaxies"].fractions[:300].mean(axis=0) - names["galaxies"].fractions[300:]
    assert np.mean(error**2) < np.mean(constant**2) / 2 and capsys.readouterr().out


@pytest.mark.slow
def test_python_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snippet = MODEL
    assert len(snippet.splitlines()) < LONGEST
    for number, fewer in FEWER.items():
        assert number in snippet
        snippet = snippet.replace(number, fewer)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(snippet, "python.md", "exec"), names)
    model, images = names["model"], names["images"]
    assert len(EventAccumulator(f"{tmp_path}/runs/a/train").Reload().Tensors("epoch_active_units")) == 2
    assert {"galaxies", "posterior", "train", "validation"} <= {path.name for path in (tmp_path / "runs/a").iterdir()}
    best = keras.saving.load_model(tmp_path / "a.keras")
    assert isinstance(best, etvae_tf.ETVAE) and int(best.vae_optimizer.iterations) in (2, 4)
    np.testing.assert_allclose(model.predict(images[:5], verbose=0)["vote_fractions"].sum(axis=1), 1, rtol=1e-5)
