"""The page of a run: self-contained, true to the run's files, and honest where something is gone."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from galaxies import tiny_model
from PIL import Image
from tolerances import BATCH_ATOL

from configs import quicktest
from etvae_tf.data import Galaxies, Question, Questions, load_data
from etvae_tf.errors import InputError
from etvae_tf.evaluation import (
    concentrations_of,
    coverage_metrics,
    evaluate_predictions,
    predict_galaxies,
    vote_intervals,
    write_predictions,
)
from etvae_tf.files import write_json
from etvae_tf.report import Sample, report, sample_of_run, write_run_page
from etvae_tf.report.cards import galaxy_cards
from etvae_tf.report.run_page import _mean_interval
from etvae_tf.report.sample import _galaxies
from etvae_tf.training import RunFolder, finished_run

CONCENTRATION = 8.0


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """What a run leaves that a page reads, without the figures of its end, and its galaxies."""
    config = quicktest.get_config()
    config.data.synthetic_train, config.data.synthetic_test = 50, 30
    data, folder = load_data(config), RunFolder(tmp_path_factory.mktemp("runs") / "run")
    folder.claim(json.loads(config.to_json()), data)
    model = tiny_model()
    model.save(folder.model)
    predictions = predict_galaxies(model, data.test.images)
    write_predictions(folder.predictions, data.test, predictions, data.questions)
    constant, fractions = np.array([0.5, 0.4, 0.1]), predictions["vote_fractions"]
    metrics = evaluate_predictions(data.test.votes, fractions, constant, data.questions)
    metrics |= coverage_metrics(data.test.votes, fractions, (CONCENTRATION,), data.questions)
    write_json(folder.metrics, metrics | {"pose_error_degrees": 0.5, "wall_seconds": {"data": 1.0}})
    return folder.path, Sample(data.test, predictions, model, model)


@pytest.fixture
def sample(untrained: tuple[Path, Sample]) -> Sample:
    """The galaxies as the run's model sees them."""
    return untrained[1]


@pytest.fixture
def run(untrained: tuple[Path, Sample], tmp_path: Path) -> Path:
    """A copy of the folder that a test may change."""
    return Path(shutil.copytree(untrained[0], tmp_path / "run"))


class Page(HTMLParser):
    """What a page is made of.

    Args:
        path: of the page.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.titles: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "data")]
        self.titles += [value or "" for name, value in attributes if name == "alt"]


@pytest.fixture(scope="module")
def page(untrained: tuple[Path, Sample]) -> Page:
    """The page of the run as it is."""
    return Page(write_run_page(finished_run(untrained[0]), untrained[1]))


def change(path: Path, **values: object) -> None:
    write_json(path, json.loads(path.read_text()) | values)


@pytest.mark.slow
def test_page_needs_nothing_else_and_shows_every_part(page: Page, run: Path) -> None:
    assert (run / "report.html").read_text(encoding="utf-8") == page.text
    assert not {"script", "link", "iframe", "object"} & set(page.tags) and "@import" not in page.text
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} == set(
        part.split('"')[0] for part in page.text.split('<section id="')[1:]
    )
    metrics = json.loads((run / "metrics.json").read_text())
    for number in (metrics["vote_rmse"], metrics["mean_vote_l1"], metrics["constant_mean"]["vote_rmse"]):
        assert f"{number:.4f}" in page.text
    assert f"{metrics['coverage']['90']['smooth']:.3f}" in page.text
    assert page.titles.count("map of the latents") == page.titles.count("how the pose follows turned pictures") == 1
    for view in ("input", "canonical", "reconstruction"):  # 12 galaxies, 6 best and 6 worst
        assert sum(title.startswith(f"{view} of ") for title in page.titles) == 24
    assert "holds no figures/losses.png" in page.text


@pytest.mark.slow
def test_best_and_worst_are_those_of_the_predictions(page: Page, run: Path) -> None:
    table = pd.read_csv(run / "predictions.csv")
    error = table.filter(like="_predicted").to_numpy() - table.filter(like="_voted").to_numpy()
    order = np.argsort(np.mean(error**2, axis=1))
    shown = [title.removeprefix("input of ") for title in page.titles if title.startswith("input of")]
    assert shown[:12] == table["id"].tolist()[:12]
    assert shown[12:18] == table["id"][order[:6]].tolist() and shown[18:] == table["id"][order[::-1][:6]].tolist()


def test_cards_have_the_intervals_of_the_votes_that_were_cast(run: Path, sample: Sample) -> None:
    (card,) = galaxy_cards(sample, finished_run(run), np.array([4]))
    votes, predicted = sample.galaxies.votes[4:5], sample.predictions["vote_fractions"][4:5].astype(float)
    sure = concentrations_of(predicted, CONCENTRATION)
    low, high = vote_intervals(predicted, sure, votes.sum(axis=1, keepdims=True), 0.9)
    found = [[answer[name] for answer in card["answers"]] for name in ("low", "high", "voted", "predicted")]
    np.testing.assert_allclose(found, [low[0], high[0], votes[0] / votes.sum(), predicted[0]])
    assert card["votes"] == votes.sum() and card["id"] == sample.galaxies.ids[4]


@pytest.mark.slow
def test_a_finished_run_gives_its_galaxies_again(run: Path, sample: Sample) -> None:
    again = sample_of_run(finished_run(run))
    np.testing.assert_array_equal(again.galaxies.images, sample.galaxies.images)
    np.testing.assert_array_equal(again.galaxies.votes, sample.galaxies.votes)
    for name, values in sample.predictions.items():
        np.testing.assert_allclose(again.predictions[name], values, atol=BATCH_ATOL)
    assert again.autoencoder is again.model, "the run kept no vae.keras, and its decoder was trained"


def test_a_run_without_error_bars_says_so_and_one_that_was_taught_says_so(run: Path, sample: Sample) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    for name in ("even_concentrations", "coverage", "interval_width", "calibration_error"):
        del metrics[name]
    write_json(run / "metrics.json", metrics | {"pose_error_degrees": None})
    config = json.loads((run / "config.json").read_text())
    config["train"]["teaching_pictures"] = 5
    write_json(run / "config.json", config)
    text = write_run_page(finished_run(run), sample).read_text()
    assert "held no labels out" in text and 'class="interval"' not in text
    assert "predicts no pose" in text and "<h1>two_step, taught, " in text


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        ("sky", "their votes differ from predictions.csv"),
        pytest.param("model", "their predictions differ", marks=pytest.mark.slow),
    ],
)
def test_what_is_gone_is_said_and_the_rest_is_shown(
    gone: str, sentence: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if gone == "sky":
        config = json.loads((run / "config.json").read_text())
        config["data"]["synthetic_seed"] = 1
        write_json(run / "config.json", config)
    else:
        tiny_model(seed=5).save(run / "model.keras")
    text = report(str(run)).read_text()
    printed = capsys.readouterr().out
    assert sentence in text and sentence in printed and str(run / "report.html") in printed
    assert "could not be shown anew" in text and "vote_rmse" in text and "input of " not in text


def test_an_arm_without_a_network_shows_its_galaxies(run: Path) -> None:
    (run / "model.keras").unlink()
    page = Page(report(str(run)))
    assert sum(title.startswith("input of ") for title in page.titles) == 24
    assert not [
        title for title in page.titles if title.startswith(("canonical", "reconstruction", "map", "how the pose"))
    ]
    assert "holds no network" in page.text and "#pose" not in page.addresses and 'id="latents"' not in page.text
    change(run / "metrics.json", mean_of=["supervised_n40_seed0", "gaussian_process_n40_seed0"])
    page = Page(report(str(run)))
    assert "../gaussian_process_n40_seed0/report.html" in page.addresses and "mean of the predictions" in page.text


def test_an_arm_that_does_not_say_what_was_asked_is_refused(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["questions"]
    write_json(run / "metrics.json", metrics)
    with pytest.raises(InputError, match="does not say what was asked"):
        report(str(run))


@pytest.mark.slow
def test_first_lines_say_how_good_and_how_sure(page: Page, run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    head = page.text.split("<main>")[0]
    shares = " / ".join(f"{share:.2f}" for share in metrics["coverage"]["90"].values())
    assert f"smooth / featured or disk / artifact hold <strong>{shares}</strong> of the votes" in head
    assert f"{metrics['vote_rmse']:.4f} [" in head and "on 30 test galaxies" in head
    change(run / "manifest.json", fingerprints={"judge": "train galaxies outside the 40 labels of seed 0"})
    text = write_run_page(finished_run(run), "no pictures").read_text()
    assert "on 30 train galaxies outside the labels" in text and "test galaxies that were scored" not in text


def test_a_tree_has_its_questions_apart(run: Path) -> None:
    tree = Questions((Question("shape", ("smooth", "featured")), Question("arms", ("one", "two"), ("featured",))))
    votes = np.array([[10, 30, 20, 10], [35, 5, 2, 3], [0, 40, 0, 40]])  # of 5 volunteers nothing is said of arms
    predicted = np.array([[0.5, 0.5, 0.4, 0.6], [0.8, 0.2, 0.5, 0.5], [0.1, 0.9, 0.2, 0.8]])
    galaxies = Galaxies(np.array(["a", "b", "c"]), np.zeros((3, 8, 8, 1), np.uint8), votes)
    predictions = {"vote_fractions": predicted, "pose": np.empty((3, 0))}
    metrics = evaluate_predictions(votes, predicted, predicted[0], tree)
    metrics |= coverage_metrics(votes, predicted, (5.0, 3.0), tree)
    write_json(run / "metrics.json", metrics)
    (run / "model.keras").unlink()
    write_predictions(run / "predictions.csv", galaxies, predictions, tree)
    text = write_run_page(finished_run(run), Sample(galaxies, predictions, None, None)).read_text()
    assert "2 questions" in text and "arms, even concentration 3.0" in text
    assert "Farthest off: one, predicted 0.40, voted 0.67." in text, "of galaxy a"
    assert "Farthest off: smooth, predicted 0.80, voted 0.88." in text, "of galaxy b"
    alone = metrics["by_question"]["arms"]
    assert f"{alone['vote_rmse']:.4f}" in text and "2 galaxies; accuracy" in text


def test_what_a_user_wrote_is_escaped(run: Path) -> None:
    change(run / "manifest.json", command="python main.py --workdir=<script>alert(1)</script>")
    page = Page(write_run_page(finished_run(run), "no pictures"))
    assert "script" not in page.tags and "&lt;script&gt;alert(1)" in page.text


def test_interval_over_galaxies_is_that_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(2.0, 1.0, 400)
    error = values.std(ddof=1) / 20
    np.testing.assert_allclose(
        _mean_interval(values), values.mean() + np.array([-1.96, 1.96]) * error, atol=0.2 * error
    )
    assert _mean_interval(np.full(5, 0.25)) == (0.25, 0.25)
    assert np.isnan(_mean_interval(np.ones(1))).all(), "one galaxy says nothing of others"


def test_galaxies_of_a_table_come_by_their_ids(tmp_path: Path) -> None:
    config = quicktest.get_config()
    names = ["a", "b", "c"]
    for level, name in enumerate(names):
        Image.fromarray(np.full((32, 32), 60 * level, np.uint8)).save(tmp_path / f"{name}.png")
    votes = {"id": names, "smooth": [1, 2, 3], "featured": [4, 5, 6]}
    pd.DataFrame(votes).to_csv(tmp_path / "votes.csv", index=False)
    config.data.table, config.data.images = str(tmp_path / "votes.csv"), str(tmp_path)
    config.data.answer_columns = ("smooth", "featured")
    found = _galaxies(config, np.array(["c", "a"]))
    np.testing.assert_array_equal(found.votes, [[3, 6], [1, 4]])
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], [120, 0])
    with pytest.raises(InputError, match="lacks 1 of the 2 galaxies"):
        _galaxies(config, np.array(["c", "d"]))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="add --workdir=RUN_OR_STUDY"):
        report(None)
    with pytest.raises(InputError, match="holds no run"):
        report(str(tmp_path))
