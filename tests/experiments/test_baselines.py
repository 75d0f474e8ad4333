"""Gaussian processes and means as arms: what they see, what they leave, and that finished ones are read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ml_collections import ConfigDict

from configs import quicktest
from etvae_tf.data import Survey, draw_data, load_survey
from etvae_tf.errors import InputError
from etvae_tf.evaluation import vote_metrics
from etvae_tf.experiments import baselines
from etvae_tf.experiments.baselines import Features, mean_run, probe_latents, process_run
from etvae_tf.measures import GaussianProcess, measure_centre
from etvae_tf.models import build_model
from etvae_tf.report import report
from etvae_tf.training import RunFolder


def small() -> ConfigDict:
    config = quicktest.get_config()
    config.data.synthetic_train, config.data.synthetic_test = 60, 20
    return config


@pytest.fixture(scope="module")
def survey() -> Survey:
    return load_survey(small())


@pytest.fixture(scope="module")
def features(survey: Survey) -> Features:
    return Features(survey)


@pytest.fixture(scope="module")
def vae(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small()
    path = tmp_path_factory.mktemp("vae") / "digest.keras"
    build_model(config.model, config.data.image_size, config.data.channels, survey.questions.counts).save(path)
    return path


def run_process(regime: str, folder: Path, survey: Survey, features: Features, vae: Path) -> dict:
    config = small()
    config.regime = regime
    return process_run(config, RunFolder(folder), survey, features, vae)


@pytest.mark.slow
def test_a_process_learns_from_all_n_labels(survey: Survey, features: Features, vae: Path, tmp_path: Path) -> None:
    metrics = run_process("gaussian_process", tmp_path / "run", survey, features, vae)
    data = draw_data(survey, small())  # its validation galaxies are among the n
    images = np.concatenate([data.train.images, data.validation.images])
    votes = np.concatenate([data.train.votes, data.validation.votes])
    expected = GaussianProcess().fit(measure_centre(images), votes).predict(measure_centre(data.test.images))
    table = pd.read_csv(tmp_path / "run" / "predictions.csv", dtype={"id": str})
    np.testing.assert_allclose(table.filter(like="_predicted"), expected)
    assert metrics["vote_rmse"] == pytest.approx(vote_metrics(data.test.votes, expected, data.questions)["vote_rmse"])
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    assert set(metrics["coverage"]["90"]) == set(survey.questions.answers)
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"{metrics['vote_rmse']:.4f} [" in page and "holds no network" in page and page.count('alt="input of ') == 24
    assert (
        f"Even concentration of the Dirichlet-multinomial: {metrics['even_concentrations']['smooth-or-featured']:.1f}"
        in page
    )
    assert (tmp_path / "run" / "learnt.parquet").exists() and not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.slow
def test_a_finished_process_is_read_and_another_one_is_refused(
    survey: Survey, features: Features, vae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = run_process("gaussian_process_latents", tmp_path / "run", survey, features, vae)
    monkeypatch.setattr(baselines, "fractions_by_process", None)  # nothing is fitted again
    assert run_process("gaussian_process_latents", tmp_path / "run", survey, features, vae) == metrics
    with pytest.raises(InputError, match="another config"):
        run_process("gaussian_process", tmp_path / "run", survey, features, vae)


@pytest.mark.slow
def test_latents_are_seen_beside_the_measures_or_alone(
    survey: Survey, features: Features, vae: Path, tmp_path: Path
) -> None:
    alone = run_process("gaussian_process", tmp_path / "alone", survey, features, vae)["vote_rmse"]
    both = run_process("gaussian_process_latents", tmp_path / "both", survey, features, vae)["vote_rmse"]
    probe = probe_latents(vae, small(), survey, features)
    assert len({alone, both, probe}) == 3
    assert json.loads(vae.with_name("digest_probe_n40.json").read_text())["vote_rmse"] == probe
    latents = features.latents(survey.test, vae)
    assert latents.shape == (len(survey.test), quicktest.get_config().model.latent_dim) and latents.std() > 0


@pytest.mark.slow
def test_a_mean_averages_predictions_galaxy_by_galaxy(
    survey: Survey, features: Features, vae: Path, tmp_path: Path
) -> None:
    parts = []
    for regime in ("gaussian_process", "gaussian_process_latents"):
        run_process(regime, tmp_path / regime, survey, features, vae)
        parts.append(RunFolder(tmp_path / regime))
    one, other = (pd.read_csv(part.predictions, dtype={"id": str}) for part in parts)
    other.sample(frac=1, random_state=0).to_csv(parts[1].predictions, index=False)  # their order means nothing
    metrics = mean_run(quicktest.get_config(), RunFolder(tmp_path / "mean"), parts, survey)
    predicted = (one.filter(like="_predicted") + other.filter(like="_predicted")).to_numpy() / 2
    assert metrics["vote_rmse"] == pytest.approx(
        vote_metrics(survey.test.votes, predicted, survey.questions)["vote_rmse"]
    )
    page = (tmp_path / "mean" / "report.html").read_text()
    assert 'href="../gaussian_process_latents/report.html"' in page and "a mean of runs has none" in page
    again = report(str(tmp_path / "mean")).read_text()
    assert again.count('alt="input of ') == 24
