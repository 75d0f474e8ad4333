"""The loop of acquisition in a tiny form: who has which labels, how it goes on, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from galaxies import tiny_model
from ml_collections import ConfigDict
from runs import plain_config

from configs import acquisition, table1_quick
from etvae_tf.data import Galaxies, draw_labels, load_survey, synthesise, to_float
from etvae_tf.errors import InputError
from etvae_tf.experiments import acquisition as module
from etvae_tf.experiments import acquisition_study
from etvae_tf.inference.information import information_of

pytestmark = pytest.mark.usefixtures("eager_steps", "blank_figures")
STRATEGIES = {"random", "typical", "entropy", "bald"}


def tiny() -> ConfigDict:
    config = acquisition.get_config()
    small = plain_config()
    for part in ("data", "model", "train"):
        config[part].update(small[part])
    config.data.validation_fraction = 0.0
    changes = {"first": 10, "batch": 5, "rounds": 1, "candidates": 100, "seeds": (1,)}
    config.acquisition.update(changes)
    return config


def labelled(folder: Path) -> set[str]:
    return set(json.loads((folder / "manifest.json").read_text())["labelled_ids"])


@pytest.fixture(scope="module")
def study(
    tmp_path_factory: pytest.TempPathFactory, eager_steps: None, blank_figures: None
) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """A study that was interrupted once, what was written by then, and all of it."""
    folder, learnt = tmp_path_factory.mktemp("study"), []
    original = module.FrozenLatents.learn

    def learn(self: module.FrozenLatents, *arguments: object) -> object:
        if len(learnt) == 3:
            raise KeyboardInterrupt
        learnt.append(1)
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.FrozenLatents, "learn", learn)
        with pytest.raises(KeyboardInterrupt):
            acquisition_study(tiny(), str(folder))
    written = pd.read_csv(folder / "learning_curve.csv")
    return folder, written, acquisition_study(tiny(), str(folder))


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_interrupted(study) -> None:
    folder, written, table = study
    assert 4 <= len(written) < 8 == len(table)  # 4 strategies, 2 numbers of labels
    pd.testing.assert_frame_equal(table.head(len(written)), written, check_dtype=False)
    for name in ("acquisition.md", "acquisition.csv", "learning_curve.png", "report.html", "vae.keras"):
        assert (folder / name).exists()


@pytest.mark.slow
def test_labels_grow_among_the_candidates_and_others_judge(study) -> None:
    folder, _, _ = study
    survey = load_survey(tiny())
    found = {(arm, n): folder / "runs" / f"{arm}_n{n}_seed1" for arm in STRATEGIES for n in (10, 15)}
    drawn = survey.learn.ids[draw_labels(survey.learn.ids, survey.learn.has_votes, 100, 1)]
    assert labelled(found["random", 10]) == set(drawn[:10]) and labelled(found["random", 15]) == set(drawn[:15])
    judges = {tuple(pd.read_csv(one / "predictions.csv", dtype={"id": str})["id"]) for one in found.values()}
    assert len(judges) == 1 and not set(drawn) & set(*judges) and not set(survey.test.ids) & set(*judges)
    assert labelled(found["typical", 10]) != set(drawn[:10])
    for arm in STRATEGIES - {"random"}:
        first = labelled(found["typical" if arm == "typical" else "random", 10])
        assert len(first) == 10 and first < labelled(found[arm, 15]) < set(drawn)
    first = [(found[arm, 10] / "predictions.csv").read_bytes() for arm in ("random", "entropy", "bald")]
    assert first[0] == first[1] == first[2]  # they learn once from the labels that they share


@pytest.mark.slow
def test_a_study_of_another_kind_is_refused_in_its_folder(study) -> None:
    folder, _, _ = study
    config = tiny()
    config.acquisition.network = True
    with pytest.raises(InputError, match="was begun on other data .changed: learner.; .* choose another --workdir"):
        acquisition_study(config, str(folder))


@pytest.mark.slow
def test_scores_are_those_of_the_predictions(study) -> None:
    folder, _, table = study
    for row in table.itertuples():
        votes = pd.read_csv(folder / "runs" / f"{row.arm}_n{row.n_labels}_seed{row.seed}" / "predictions.csv")
        error = votes.filter(like="_voted").to_numpy() - votes.filter(like="_predicted").to_numpy()
        assert row.vote_rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)


@pytest.mark.slow
def test_heads_agree_with_the_network_that_they_are_part_of(tmp_path: Path) -> None:
    """The same predictions and the same information as a network with that encoder and head."""
    sky = synthesise(20, image_size=32)
    galaxies = Galaxies(sky.ids, sky.images, sky.votes)
    model = tiny_model()
    model.save(tmp_path / "vae.keras")
    latents = module.FrozenLatents(tmp_path / "vae.keras", galaxies)
    head, views = model.vote_head, model.encoder.mirrored_posteriors(to_float(galaxies.images))
    expected = np.mean([head.fractions(head(view.loc)) for view in views], axis=0)
    np.testing.assert_allclose(latents.predict(head, galaxies), expected, atol=1e-5)
    expected = information_of(head, [(view.loc, view.scale) for view in views])
    found = latents.information(head, galaxies)
    np.testing.assert_allclose(found["latent_mean"], views[0].loc, atol=1e-5)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)


@pytest.mark.slow
def test_whole_networks_learn_from_the_same_loop(tmp_path: Path) -> None:
    config = tiny()
    config.acquisition.update({"network": True, "strategies": ("random", "bald")})
    table = acquisition_study(config, str(tmp_path))
    assert table["arm"].tolist() == ["random", "bald"] * 2
    assert not [*(tmp_path / "runs").glob("*/*.keras"), *(tmp_path / "runs").glob("*/checkpoints")]
    again = acquisition_study(config, str(tmp_path))  # no run is trained again
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"acquisition.strategies": ("random", "margin")}, "strategy=margin came, but one of bald, entropy"),
        ({"acquisition.strategies": ()}, "at least one of each of strategies and seeds"),
        ({"acquisition.first": 0}, "acquisition.first is 0"),
        ({"acquisition.rounds": -1}, "acquisition.rounds is -1"),
        ({"acquisition.candidates": 14}, "candidates is 14, but a whole number >= 15"),
        ({"acquisition.candidates": 200}, "all 200 with votes are among the 200"),
        ({"regime": "supervised"}, "regime is supervised, but two_step"),
        ({"data.validation_fraction": 0.1}, "validation_fraction is 0.1, but 0"),
        ({"train.folds": 4}, "train.folds is 4, but 0"),
        ({"train.init": "elsewhere"}, "train.init is elsewhere, but no other start"),
        ({"data.synthetic_train": 50}, "only 50 of the"),
    ],
)
def test_bad_studies_are_refused(change: dict, sentence: str, tmp_path: Path) -> None:
    config = tiny()
    config.update_from_flattened_dict(change)
    with pytest.raises(InputError, match=sentence):
        acquisition_study(config, str(tmp_path / "study"))
    assert not (tmp_path / "study").exists()


def test_a_plain_config_and_a_missing_workdir_are_refused() -> None:
    with pytest.raises(InputError, match="configs/acquisition.py"):
        acquisition_study(table1_quick.get_config(), "anywhere")
    with pytest.raises(InputError, match="--workdir"):
        acquisition_study(tiny(), None)
