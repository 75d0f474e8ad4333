"""The benchmark's numbers, and what it counts."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import tensorflow as tf
from galaxies import synthetic_images, tiny_model
from ml_collections import ConfigDict

from configs import quicktest
from etvae_tf.errors import InputError
from etvae_tf.experiments import benchmark
from etvae_tf.experiments.benchmark import count_flops

STEPS = ["ELBO and view contrast", "ELBO", "votes", "alternating"]
TIMED = ["ELBO and view contrast", "alternating"]  # have every term and both streams; each step takes long to trace


def config(**changes: object) -> ConfigDict:
    tiny = quicktest.get_config()
    tiny.update_from_flattened_dict({name.replace("__", "."): value for name, value in changes.items()})
    return tiny


@pytest.mark.slow
def test_everything_is_measured_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    module = importlib.import_module("etvae_tf.experiments.benchmark")  # the package gives its function
    monkeypatch.setattr(module, "_ROUNDS", 2)
    monkeypatch.setattr(module, "_MATRIX", 64)
    assert list(module._PHASES) == STEPS
    monkeypatch.setattr(module, "_PHASES", {name: module._PHASES[name] for name in TIMED})
    result = benchmark(config(model__filters=(4,)), tmp_path / "numbers.json")
    assert json.loads((tmp_path / "numbers.json").read_text()) == result
    both = [(name, pose) for name in TIMED for pose in (True, False)]
    assert [(row["step"], row["pose"]) for row in result["steps"]] == both
    assert [row["galaxies"] for row in result["steps"][::2]] == [8, 16]
    for row in [*result["steps"], *result["pipelines"], *result["predictions"]]:
        assert 0 < row["lower_quartile_ms"] <= row["ms"] <= row["upper_quartile_ms"]
    for pose, none in zip(result["steps"][::2], result["steps"][1::2], strict=True):
        assert pose["gflop"] > none["gflop"] > 0
        assert pose["share_of_peak"] == pytest.approx(pose["gflop"] / pose["ms"] * 1e3 / result["matmul_gflops"])
    assert result["jpeg_ms"] > 0 and result["peak_memory_mib"] > 100
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in table[2:]] == [f"| {name}" for name in [*TIMED, "prediction"]]


def test_flops_are_those_of_convolutions() -> None:
    layer = tf.keras.layers.Dense(5, use_bias=False)
    layer.build((None, 3))
    assert count_flops(layer, tf.ones([2, 3])) == 2 * 2 * 3 * 5
    pose, images = tiny_model().encoder.pose, synthetic_images(2, 32)
    fewer = pose.resampling.compute_output_shape(images.shape)
    assert count_flops(pose.convolutions[0], tf.zeros(fewer)) == pytest.approx(2 * 2 * 32 * 8 * 5 * 5 * 4, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"data__table": "votes.csv"}, "leave out --data"), ({"model__pose__group": "none"}, "another group")],
)
def test_what_it_does_not_measure_is_refused(changes: dict[str, object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        benchmark(config(**changes), tmp_path / "numbers.json")
    assert not list(tmp_path.iterdir())
