"""The shipped model's page says what its commands print, on real galaxies, and README's picture can be drawn."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from etvae_tf.inference import exported_scorer, list_pictures, predict_pictures

ROOT = Path(__file__).resolve().parents[2]
ETVAE = ROOT / "saved_models" / "etvae"


@pytest.mark.slow
def test_its_warning_holds_the_numbers_on_raw_counts(real_data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("counts").symlink_to(real_data / "counts")
    predict_pictures(list_pictures("counts/images.zip", None), exported_scorer(ETVAE), "votes.csv")
    capsys.readouterr()
    readme = (ETVAE / "README.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "snippet"})
    model, constant, means = capsys.readouterr().out.splitlines()
    pattern = r"vote_rmse (\S+) \((\S+) for the constant mean\) and\s+mean_vote_l1 (\S+) \((\S+)\); it says"
    ((rmse, constant_rmse, l1, constant_l1),) = re.findall(pattern, readme)
    assert model == f"vote_rmse {rmse}, mean_vote_l1 {l1}"
    assert constant == f"vote_rmse {constant_rmse}, mean_vote_l1 {constant_l1}"
    assert rmse > constant_rmse
    assert means == "[0.425, 0.548, 0.027] [0.644, 0.313, 0.043]"


@pytest.mark.slow
def test_the_picture_of_the_readme_is_drawn_by_its_command(real_data, tmp_path, monkeypatch, capsys):
    kaggle, picture = real_data / "kaggle", tmp_path / "galaxies.png"
    given = {"data": kaggle / "solutions.csv", "images": kaggle / "images.zip", "split": kaggle / "split.csv"}
    words = [f"--{flag}={value}" for flag, value in {**given, "output": picture}.items()]
    monkeypatch.setattr(sys, "argv", ["draw_galaxies.py", *words])
    runpy.run_path(str(ROOT / "docs" / "draw_galaxies.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("galaxies 100008, 100263, 100335, 100382, 100383, 100513\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
