"""Run folders: whose they are, whatever moment a run was killed at, and what its galaxies were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from configs import quicktest
from etvae_tf.data import GalaxyData, load_data
from etvae_tf.errors import InputError
from etvae_tf.training import RunFolder, finished_run
from etvae_tf.training import folder as folder_module

CONFIG = quicktest.get_config()
RESOLVED = json.loads(CONFIG.to_json())


@pytest.fixture(scope="module")
def data() -> GalaxyData:
    return load_data(CONFIG)


@pytest.mark.parametrize("written", range(5))
def test_a_claim_killed_at_any_moment_is_made_again(
    written: int, data: GalaxyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(tmp_path / "run")
    done: list[Path] = []

    def killed(write: object) -> object:
        def write_or_die(path: Path, *arguments: object) -> None:
            if len(done) == written:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_name(f".1.{path.name}").write_text("half")  # what a killed write leaves
                raise KeyboardInterrupt
            done.append(path)
            write(path, *arguments)

        return write_or_die

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        for name in ("write_json", "write_atomically"):
            patched.setattr(folder_module, name, killed(getattr(folder_module, name)))
        run.claim(RESOLVED, data)
        raise KeyboardInterrupt
    run.check(RESOLVED)
    run.claim(RESOLVED, data)
    assert json.loads(run.config.read_text()) == RESOLVED and all(
        path.exists() for path in (run.manifest, run.split, run.learnt)
    )
    with pytest.raises(InputError, match="another config"):
        run.check({**RESOLVED, "seed": 1})


def test_changed_data_are_refused(data: GalaxyData, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.claim(RESOLVED, data)
    run.check_data(data.fingerprints)
    with pytest.raises(InputError, match="begun on other data .changed: synthetic."):
        run.check_data({"synthetic": "another sky"})


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="no run"):
        RunFolder(tmp_path).check({})
    with pytest.raises(InputError, match="is a file"):
        RunFolder(tmp_path / "notes.txt").check({})


def test_a_run_that_is_not_finished_is_not_read(data: GalaxyData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        finished_run(tmp_path)
    RunFolder(tmp_path / "run").claim(RESOLVED, data)
    with pytest.raises(InputError, match="not finished"):
        finished_run(tmp_path / "run")


def test_a_concentration_of_an_earlier_release_is_not_ignored_in_silence(
    data: GalaxyData, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.claim(RESOLVED, data)
    for name, said in (("concentrations", True), ("even_concentrations", False)):
        folder.metrics.write_text(json.dumps({"questions": {"shape": ["a", "b"]}, name: {"shape": 7.0}}))
        (even,) = finished_run(folder.path).even_concentrations
        assert np.isnan(even) == said == ("has a concentration of an earlier release" in capsys.readouterr().out)
