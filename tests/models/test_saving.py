"""A `.keras` file goes on where it was saved, in another process; a tampered one is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from galaxies import tiny_model

from etvae_tf import ETVAE
from etvae_tf.data import batches, synthesise

ROOT = Path(__file__).resolve().parents[2]
STEPS, EPOCHS = 3, 4  # of the whole fit; the file is saved after half of the epochs
# In a new process: load, write down what came, train on, write down where it ended.
GOES_ON = """
import sys
import keras
import numpy as np
import test_saving as saving

path, before, after = sys.argv[1:]
model = keras.saving.load_model(path)
saving.write(before, model)
saving.fit(model, saving.EPOCHS // 2)
saving.write(after, model)
"""


def fit(model: ETVAE, first: int, **options: object) -> None:
    """What is left of one fit from epoch `first` on."""
    galaxies = synthesise(24, image_size=32)
    place = {"steps": STEPS * (EPOCHS - first), "first_step": STEPS * first}
    data = tf.data.Dataset.zip(
        {
            "unlabelled": tuple(
                batches(galaxies.images, 8, 0, augment_jitter=1.0, view=view, **place) for view in (0, 1)
            ),
            "labelled": batches((galaxies.images, galaxies.votes), 8, 1, **place),
        }
    )
    model.fit(data, initial_epoch=first, epochs=EPOCHS, steps_per_epoch=STEPS, shuffle=False, verbose=0, **options)


def compiled_model() -> ETVAE:
    model = tiny_model()
    decay = keras.optimizers.schedules.CosineDecay
    model.compile(
        keras.optimizers.AdamW(decay(1e-3, STEPS * EPOCHS), weight_decay=0.1),
        keras.optimizers.Adam(decay(2e-3, STEPS * EPOCHS), beta_1=0.8),
        kl_weight=0.5,
        kl_warmup_steps=STEPS * EPOCHS,
        view_weight=2.0,
    )
    return model


def write(path: str | Path, model: ETVAE) -> None:
    """Everything that a model is: weights, predictions, both optimizers' variables and configs."""
    arrays = {f"prediction {name}": value for name, value in model.predict(pictures(), verbose=0).items()}
    arrays |= {f"weight {index}": value for index, value in enumerate(model.get_weights())}
    for name in ("optimizer", "vae_optimizer"):
        optimizer = getattr(model, name)
        arrays |= {f"{name} {index}": value.numpy() for index, value in enumerate(optimizer.variables)}
        arrays[f"{name} iterations"] = optimizer.iterations.numpy()
    arrays["compiled"] = np.array(json.dumps(model.get_compile_config(), sort_keys=True))
    np.savez(path, **arrays)


def pictures() -> np.ndarray:
    return synthesise(5, seed=9, image_size=32).images.astype(np.float32) / 255


def assert_equal_files(first: Path, second: Path) -> None:
    with np.load(first) as one, np.load(second) as other:
        assert set(one) == set(other)
        for name in one:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.slow
def test_a_saved_model_goes_on_in_a_new_process_as_if_never_interrupted(tmp_path: Path) -> None:
    model = compiled_model()

    def save(epoch: int, logs: dict) -> None:
        if epoch == EPOCHS // 2 - 1:
            model.save(tmp_path / "model.keras")
            write(tmp_path / "saved.npz", model)

    fit(model, 0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=save)])
    write(tmp_path / "whole.npz", model)
    with np.load(tmp_path / "saved.npz") as saved:
        assert saved["optimizer iterations"] == saved["vae_optimizer iterations"] == STEPS * EPOCHS // 2
    paths = [str(tmp_path / name) for name in ("model.keras", "loaded.npz", "went_on.npz")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests", Path(__file__).parent)))}
    subprocess.run([sys.executable, "-c", GOES_ON, *paths], check=True, env=environment)
    assert_equal_files(tmp_path / "saved.npz", tmp_path / "loaded.npz")
    assert_equal_files(tmp_path / "whole.npz", tmp_path / "went_on.npz")


def tampered(path: Path, change: Callable[[dict], None]) -> Path:
    """A copy of a `.keras` file with a changed config."""
    target = path.with_name("tampered.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as written:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"])
                content = json.dumps(config).encode()
            written.writestr(name, content)
    return target


def code(_: Path) -> dict:
    """A layer that carries Python code, inside another."""
    layers = [keras.layers.Input((4,)), keras.layers.Lambda(lambda latent: latent), keras.layers.Dense(3)]
    return keras.saving.serialize_keras_object(keras.Sequential(layers))


def process(mark: Path) -> dict:
    """A class that is no Keras object, and does something when it is made."""
    arguments = {"args": ["touch", str(mark)]}
    return {"module": "subprocess", "class_name": "Popen", "config": arguments, "registered_name": None}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    compiled_model().save(path)
    return path


@pytest.mark.parametrize(("unsafe", "error", "sentence"), [(code, ValueError, "lambda"), (process, TypeError, "Popen")])
@pytest.mark.parametrize("place", [("vote_head",), ("encoder", "config", "pose")], ids=["part", "part of a part"])
def test_a_tampered_file_is_refused(
    unsafe: Callable[[Path], dict], error: type, sentence: str, place: tuple[str, ...], saved: Path, tmp_path: Path
) -> None:
    def change(config: dict) -> None:
        for name in place[:-1]:
            config = config[name]
        config[place[-1]] = unsafe(tmp_path / "mark")

    with pytest.raises(error, match=sentence):
        keras.saving.load_model(tampered(saved, change))
    assert not (tmp_path / "mark").exists()


@pytest.mark.slow
def test_an_untouched_copy_is_not_refused(saved: Path) -> None:
    assert isinstance(keras.saving.load_model(tampered(saved, lambda config: None)), ETVAE)


@pytest.mark.slow
def test_a_model_loads_without_being_compiled(saved: Path) -> None:
    compiled, bare = keras.saving.load_model(saved), keras.saving.load_model(saved, compile=False)
    assert bare.get_compile_config() is None
    np.testing.assert_array_equal(bare(pictures())["vote_fractions"], compiled(pictures())["vote_fractions"])
