"""Which flags each mode uses: every other one is refused by a sentence, before any work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from absl import flags

from etvae_tf import cli

ROOT = Path(__file__).resolve().parents[1]
SWITCHES = dict.fromkeys(("include_learnt", "canonical", "planted"), "true")
NUMBERS = dict.fromkeys(("n_labels", "n_galaxies", "seed"), "3")
VALUES = {**NUMBERS, **SWITCHES, "config": str(ROOT / "configs/quicktest.py")}
EVERY = (*cli._STRINGS, *VALUES)


def parse(monkeypatch: pytest.MonkeyPatch, *words: str) -> flags.FlagValues:
    monkeypatch.setattr(sys, "argv", ["main.py", *words])
    values = flags.FlagValues()
    cli._define_flags(values)
    cli._parse(sys.argv, values)
    return values


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        parse(monkeypatch, *words)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("main.py: error: ")
    return line


@pytest.mark.parametrize("flag", EVERY)
@pytest.mark.parametrize("mode", cli.MODES)
def test_a_flag_is_used_or_refused(
    mode: str, flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (f"--mode={mode}", f"--{flag}={VALUES.get(flag, 'somewhere')}")
    if flag in cli.MODES[mode].flags:
        assert parse(monkeypatch, *words)[flag].present
    else:
        assert f"--mode={mode} does not use --{flag}; leave it out" in refusal(monkeypatch, capsys, *words)


@pytest.mark.parametrize(
    ("mode", "field", "used"),
    [
        ("train", "model.pose.order=1", True),
        ("train", "data.crop_fraction=0.5 --data=votes.csv", True),
        ("evaluate", "data.answer_columns=a,b", True),
        ("evaluate", "data.crop_fraction=0.5", True),
        ("evaluate", "data.image_size=32", False),
        ("evaluate", "train.kl_weight=2", False),
        ("learning_curve", "train.kl_weight=2", True),
        ("learning_curve", "n_labels=3", False),
        ("learning_curve", "seed=3", False),
        ("learning_curve", "regime=two_step", False),
        ("export", "data.crop_fraction=0.5", False),
        ("predict", "data.crop_fraction=0.5", True),
        ("predict", "model.latent_dim=3", False),
        ("acquire", "data.crop_fraction=0.5", True),
        ("acquire", "model.latent_dim=3", False),
        ("acquisition_study", "train.kl_weight=2", True),
        ("acquisition_study", "n_labels=3", False),
        ("benchmark", "train.vae_batch=8", True),
        ("benchmark", "train.vae_steps=8", False),
        ("benchmark", "train.alternating_vae_rate=0.5", False),
        ("benchmark", "n_labels=8", False),
    ],
)
def test_a_field_is_used_or_refused(
    mode: str, field: str, used: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (f"--mode={mode}", *f"--config.{field}".split())
    if used:
        parse(monkeypatch, *words)
    else:
        name = field.split("=")[0]
        assert f"does not use --config.{name}; leave it out" in refusal(monkeypatch, capsys, *words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--n_labels=3", "--config.n_labels=4"], "--n_labels and --config.n_labels are the same; leave one out"),
        (
            ["--mode=predict", "--workdir=run", "--export_dir=models"],
            "both name a model to predict with; leave one out",
        ),
        (["--config.data.id_column=name"], "is of a table, but there is no --data"),
        (["--data=votes.csv", "--config.data.synthetic_train=5"], "is of synthetic galaxies"),
        (["--config.data.tabel=x"], "tabel"),
        (["--config=nowhere.py"], "nowhere.py"),
        (["--config=/nowhere.py"], "nowhere.py"),
        (["train"], "unexpected argument 'train'"),
    ],
)
def test_what_contradicts_itself_is_refused(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refusal(monkeypatch, capsys, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["--config.data.answer_columns=a.1,b, 3"],
        ["--config.data.answer_columns", "a.1,b, 3"],
        ["--config.data.answer_columns=('a.1', 'b', '3',)"],
    ],
)
def test_columns_are_named_in_either_way(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    values = parse(monkeypatch, "--data=votes.csv", *words)
    assert tuple(values.config.data.answer_columns) == ("a.1", "b", "3")


def test_presets_build_on_each_other_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Named by path, as from an installed package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT])
    for module in [name for name in sys.modules if name.split(".")[0] == "configs"]:
        monkeypatch.delitem(sys.modules, module)
    values = parse(monkeypatch, "--mode=learning_curve", f"--config={ROOT / 'configs/ablations.py'}")
    assert values.config.curve.title == "ablations"


def test_a_start_is_all_that_says_how_large_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    monkeypatch.setattr("etvae_tf.modes.train_run", lambda config, workdir: trained.append(config.to_dict()))
    values = parse(monkeypatch, f"--init={ROOT / 'saved_models/etvae/1'}", "--data=votes.csv", "--images=images.zip")
    assert values.config.data.channels == 1
    cli._call(values)
    assert trained[0]["data"]["channels"] == 3


def test_help_explains_every_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    values = parse(monkeypatch)
    text = values.get_help()
    for flag in EVERY:
        assert f"--{'[no]' if flag in SWITCHES else ''}{flag}:" in text
    for mode in cli.MODES.values():
        assert mode.does.split(",")[0] in " ".join(text.split())
