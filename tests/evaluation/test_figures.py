"""Figures are drawn whole, from data as it comes, and leave that data alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from etvae_tf.data import Question, Questions
from etvae_tf.evaluation import figures

SHAPE = Questions((Question("shape", ("smooth", "featured_or_disk", "artifact")),))
RANDOM = np.random.default_rng(3)
HISTORY = pd.DataFrame(
    {
        "phase_index": [0, 0, 1],
        "phase": ["vae", "vae", "votes"],
        "epoch": [0, 1, 0],
        "elbo": [1.0, 2.0, np.nan],
        "val_elbo": [1.5, np.nan, np.nan],
        "vote_nll": [np.nan, np.nan, 7.0],
        "val_vote_mse": [np.nan, np.nan, 0.03],
    }
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    seen: list[Figure] = []
    save = figures._save
    monkeypatch.setattr(figures, "_save", lambda figure, path: (seen.append(figure), save(figure, path)))
    return seen


def assert_drawn(path: Path) -> None:
    with Image.open(path) as picture:
        assert picture.format == "PNG" and min(picture.size) > 200 and len(np.unique(np.asarray(picture))) > 5
    assert [path.name for path in path.parent.iterdir()] == ["figure.png"], "no temporary file stays behind"


@pytest.mark.parametrize(("galaxies", "channels"), [(1, 3), (5, 1), (12, 3)])
def test_reconstructions_show_every_picture(galaxies: int, channels: int, tmp_path: Path, drawn: list[Figure]) -> None:
    images = RANDOM.random((galaxies, 16, 16, channels))
    before = images.copy()
    figures.reconstruction_figure({"input": images, "reconstruction": images}, tmp_path / "figure.png")
    assert sum(bool(axis.images) for axis in drawn[0].axes) == 2 * galaxies
    assert {axis.images[0].get_clim() for axis in drawn[0].axes if axis.images} == {(0, 1)}
    np.testing.assert_array_equal(images, before)
    assert_drawn(tmp_path / "figure.png")


def test_losses_show_terms_that_only_validation_has_with_their_unit(tmp_path: Path, drawn: list[Figure]) -> None:
    before = HISTORY.copy()
    figures.loss_figure(HISTORY, tmp_path / "figure.png")
    panels = {axis.get_title(): axis for axis in drawn[0].axes}
    assert list(panels) == ["elbo", "vote mse", "vote nll"]
    assert panels["vote mse"].get_ylabel() == "squared fraction"
    assert panels["elbo"].get_ylabel() == panels["vote nll"].get_ylabel() == "nats per galaxy"
    assert panels["vote mse"].lines[0].get_ydata()[-1] == 0.03
    pd.testing.assert_frame_equal(HISTORY, before)
    assert_drawn(tmp_path / "figure.png")


def test_votes_have_no_mean_where_there_are_few_galaxies(tmp_path: Path, drawn: list[Figure]) -> None:
    predicted = np.repeat([[0.25, 0.75], [0.45, 0.55]], [12, 3], axis=0)
    voted = np.repeat([[0.35, 0.65], [0.95, 0.05]], [12, 3], axis=0)
    figures.votes_figure(voted, predicted, Questions((Question("one", ("a", "b")),)), tmp_path / "figure.png")
    mean = drawn[0].axes[0].lines[1]
    np.testing.assert_allclose(mean.get_xydata(), [[0.25, 0.35]])
    assert drawn[0].axes[0].get_title() == f"a: RMSE {np.sqrt((12 * 0.01 + 3 * 0.25) / 15):.3f}"


def test_a_handful_of_galaxies_is_drawn(tmp_path: Path) -> None:
    fractions = RANDOM.dirichlet([1, 1, 1], 3)
    figures.votes_figure(fractions, fractions, SHAPE, tmp_path / "figure.png")
    assert_drawn(tmp_path / "figure.png")


TREE = Questions(
    (Question("shape", ("smooth", "featured", "star")), Question("edge-on", ("yes", "no"), asked_after=("featured",)))
)


def test_a_tree_has_a_row_of_panels_for_each_question(tmp_path: Path, drawn: list[Figure]) -> None:
    voted = np.array([[0.5, 0.4, 0.1, np.nan, np.nan]])
    predicted = np.array([[0.4, 0.4, 0.2, 0.7, 0.3]])
    figures.votes_figure(voted, predicted, TREE, tmp_path / "figure.png")
    titles = [axis.get_title() for axis in drawn[0].axes]
    assert titles == [
        "smooth: RMSE 0.100",
        "featured: RMSE 0.000",
        "star: RMSE 0.100",
        "yes: no votes",
        "no: no votes",
        "",
    ]
    assert [axis.get_ylabel() for axis in drawn[0].axes] == ["voted fraction", "", "", "voted fraction", "", ""]


def test_many_answers_go_on_in_the_next_row(tmp_path: Path, drawn: list[Figure]) -> None:
    many = Questions((Question("odd", tuple("abcde")),))
    figures.votes_figure(np.full((2, 5), 0.2), np.full((2, 5), 0.2), many, tmp_path / "figure.png")
    assert [axis.get_title()[:1] for axis in drawn[0].axes] == [*"abcde", "", "", ""]


def test_coverage_has_a_panel_for_each_question_with_error_bars(tmp_path: Path, drawn: list[Figure]) -> None:
    shape = {"smooth": 0.4, "featured": 0.5, "star": 0.6}
    figures.coverage_figure({"50": shape, "90": {name: 0.9 for name in shape}}, TREE, tmp_path / "figure.png")
    (axis,) = drawn[0].axes
    assert axis.get_title() == "shape" and [line.get_label() for line in axis.lines[1:]] == list(shape)
    np.testing.assert_allclose(axis.lines[1].get_xydata(), [[0.5, 0.4], [0.9, 0.9]])
    edge_on = {"50": {"yes": 0.5, "no": 0.5}, "90": {"yes": 0.9, "no": 0.9}}
    both = {level: shape | edge_on[level] for level in edge_on}
    figures.coverage_figure(both, TREE, tmp_path / "figure.png")
    assert [axis.get_title() for axis in drawn[1].axes] == ["shape", "edge-on"]


def test_the_law_of_the_pose_is_shown_modulo_its_period(tmp_path: Path, drawn: list[Figure]) -> None:
    turned = np.array([-0.1, 0.2, np.pi - 0.3])
    figures.pose_figure(turned, turned + [0.01, np.pi - 0.01, 0.02], np.pi, tmp_path / "figure.png")
    law, errors = drawn[0].axes
    shown = law.collections[0].get_offsets()
    np.testing.assert_allclose(shown[:, 0], np.degrees([np.pi - 0.1, 0.2, np.pi - 0.3]))
    np.testing.assert_allclose(shown[:, 1] - shown[:, 0], np.degrees([0.01, -0.01, 0.02]))
    assert errors.get_title() == f"median distance {np.degrees(0.01):.2f} degrees"


@pytest.mark.parametrize("channels", [1, 3])
def test_the_latent_map_has_galaxies_where_they_lie(channels: int, tmp_path: Path, drawn: list[Figure]) -> None:
    """On a square grid of places, the map's corners are its corners; each cell has the picture nearest its middle."""
    axis = (np.arange(figures._CELLS) + 0.5) / figures._CELLS
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    pictures = np.broadcast_to(RANDOM.random((len(places), 1, 1, 1)), (len(places), 4, 4, channels))
    mosaic = figures.mosaic(places, pictures)
    np.testing.assert_allclose(mosaic[-2, 2], np.sqrt(pictures[0, 0, 0, 0]), err_msg="lower left")
    np.testing.assert_allclose(mosaic[2, -2], np.sqrt(pictures[-1, 0, 0, 0]), err_msg="upper right")
    aside = np.array([[0.01, 0.01], [0.5, 2.0]])  # in a cell beside its picture, and off the map
    more = np.concatenate([places, aside]), np.concatenate([pictures, pictures[:2]])
    np.testing.assert_array_equal(figures.mosaic(*more), mosaic)
    figures.latent_figure(places, pictures, places[:, 0], "smooth", tmp_path / "figure.png")
    np.testing.assert_allclose(drawn[0].axes[1].collections[0].get_offsets(), places)
    assert drawn[0].axes[0].get_xlabel() == "t-SNE 1 (no unit)"
