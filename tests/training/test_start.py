"""Runs that start from a trained model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs import quicktest
from etvae_tf.data import load_data
from etvae_tf.errors import InputError
from etvae_tf.files import write_json
from etvae_tf.models import build_model, named_weights
from etvae_tf.run import train_run
from etvae_tf.training import (
    RunFolder,
    learnt_by_start,
    phases,
    read_start,
    start_fingerprint,
    take_sizes,
    train,
    validate_config,
)

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models" / "etvae" / "1"


@pytest.fixture(scope="module")
def started_from(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, as far as a start reads it: untrained."""
    config, folder = quicktest.get_config(), RunFolder(tmp_path_factory.mktemp("start") / "run")
    folder.claim(json.loads(config.to_json()), load_data(config))
    build_model(config.model, config.data.image_size, 1, (3,)).save(folder.model)
    write_json(folder.metrics, {"questions": {"synthetic": ["a", "b", "c"]}})
    return folder.path


@pytest.mark.parametrize(
    ("regime", "names"), [("supervised", ["votes"]), ("two_step", ["votes"]), ("alternating", ["alternating"])]
)
def test_a_start_takes_the_place_of_pretraining(regime: str, names: list[str]) -> None:
    config = quicktest.get_config().train
    config.init = "run"
    assert [phase.name for phase in phases(regime, config, 40, 200)] == names


def test_folders_without_weights_are_refused(tmp_path: Path) -> None:
    assert start_fingerprint("") == {}
    with pytest.raises(InputError, match="holds neither a finished run nor an exported model"):
        start_fingerprint(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="is not finished"):
        start_fingerprint(tmp_path)


def test_the_committed_model_is_a_start() -> None:
    start = read_start(SHIPPED)
    assert start.answers == ("smooth", "featured_or_disk", "artifact")
    assert start.weights["encoder/loc/kernel"].shape == (2048, 64)


def test_a_start_of_another_model_is_refused_with_the_flags_that_mend_it(started_from: Path) -> None:
    config = quicktest.get_config()
    config.train.init = str(SHIPPED)
    with pytest.raises(InputError, match='data.channels=3.*, but this run has .*; add .*--config.data.channels="3"'):
        validate_config(config)
    config.update_from_flattened_dict({"train.init": str(started_from), "model.latent_dim": 5, "model.filters": (9,)})
    with pytest.raises(InputError, match="model.latent_dim=4, model.filters=.*, but this run has model.latent_dim=5"):
        validate_config(config)
    config.model = quicktest.get_config().model
    validate_config(config)


def test_a_run_takes_the_sizes_of_its_start_but_not_against_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    config = quicktest.get_config()
    take_sizes(config, ())
    assert config == quicktest.get_config()
    config.train.init, latents = str(SHIPPED), config.model.latent_dim
    take_sizes(config, ("model.latent_dim",))
    printed = capsys.readouterr().out
    assert printed.startswith(f"sizes taken from --init={SHIPPED}: ")
    assert "data.channels=3" in printed and "model.residual=(1,)" in printed
    assert config.model.latent_dim == latents
    with pytest.raises(InputError, match=f"has model.latent_dim=64, but this run has model.latent_dim={latents}; add"):
        validate_config(config)
    take_sizes(config, ())
    validate_config(config)
    assert capsys.readouterr().out == f"sizes taken from --init={SHIPPED}: model.latent_dim=64\n"


def test_a_start_of_an_earlier_release_has_no_residual_convolutions(started_from: Path, tmp_path: Path) -> None:
    older = shutil.copytree(started_from, tmp_path / "older")
    written = json.loads((older / "config.json").read_text())
    del written["model"]["residual"]
    write_json(older / "config.json", written)
    config = quicktest.get_config()
    config.train.init = str(older)
    validate_config(config)
    config.model.residual = (1,)
    with pytest.raises(InputError, match=r'model.residual=\(\), but this run has .*--config.model.residual="\(\)"'):
        validate_config(config)


def test_test_galaxies_that_the_start_learnt_from_are_counted(
    started_from: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = load_data(quicktest.get_config())
    assert learnt_by_start(started_from, data.test) == 0
    assert learnt_by_start(started_from, data.train) == len(data.train)
    assert "their scores flatter this run" in capsys.readouterr().out
    assert learnt_by_start(SHIPPED, data.test) is None
    assert "keeps no list" in capsys.readouterr().out


def test_what_the_start_learnt_from_is_learnt_from(started_from: Path, tmp_path: Path) -> None:
    config, run = quicktest.get_config(), RunFolder(tmp_path / "run")
    config.seed, config.data.pool_limit, config.train.init = 1, 20, str(started_from)
    run.claim(json.loads(config.to_json()), load_data(config))
    before, now = (set(pd.read_parquet(folder.learnt)["id"]) for folder in (RunFolder(started_from), run))
    assert before < now or before == now


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.slow
def test_training_begins_with_the_weights_of_the_start(started_from: Path, tmp_path: Path) -> None:
    """A rate of nearly zero leaves them as they were; the start answers another question, so the vote head is new."""
    config, run = quicktest.get_config(), RunFolder(tmp_path / "run")
    config.regime, config.train.init, config.train.vote_learning_rate = "two_step", str(started_from), 1e-30
    data = load_data(config)
    run.claim(json.loads(config.to_json()), data)
    model, _ = train(config, data, run)
    start = read_start(started_from).weights
    for name, value in named_weights(model).items():
        same = np.allclose(value, start[name], rtol=0, atol=1e-20)
        assert same == (name not in ("vote_head/hidden/kernel", "vote_head/logits/kernel")), name


@pytest.mark.usefixtures("eager_steps", "blank_figures")
@pytest.mark.slow
def test_a_run_goes_on_only_with_the_weights_it_started_from(started_from: Path, tmp_path: Path) -> None:
    config = quicktest.get_config()
    config.regime, config.train.init = "two_step", str(started_from)
    metrics = train_run(config, str(tmp_path / "run"))
    assert metrics["test_galaxies_learnt_by_start"] == 0
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["fingerprints"]["init"] == start_fingerprint(started_from)["init"]
    build_model(config.model, config.data.image_size, 1, (3,)).save(RunFolder(started_from).model)
    with pytest.raises(InputError, match="changed: init"):
        train_run(config, str(tmp_path / "run"))
