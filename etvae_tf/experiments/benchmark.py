"""How long the steps of training and prediction take on this machine, with and without the pose.

Times are in milliseconds: median and quartiles of calls in turns, so that a machine that slows down slows all of them.
FLOPs are those that the maths needs, counted by TensorFlow's profiler over the layers written plainly (`plain_layers`).
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from etvae_tf.data import GalaxyData, load_data, to_float
from etvae_tf.data.images import preprocess
from etvae_tf.errors import InputError
from etvae_tf.experiments.plain_layers import plain_layers
from etvae_tf.files import write_json
from etvae_tf.models import ETVAE, build_model
from etvae_tf.training import Phase, compile_for, training_set, validate_config

try:
    import resource
except ImportError:  # Windows has none
    resource = None

__all__ = ["benchmark", "count_flops"]

_ROUNDS = 25  # timed calls of each kind
_WARM = 3  # calls before them
_STEPS = 100_000  # length of a phase, for its learning rate alone
_PHASES = {  # what the regimes are made of
    "ELBO and view contrast": Phase("vae", unlabelled=True, labelled=False, steps=_STEPS, contrast=True),
    "ELBO": Phase("elbo", unlabelled=True, labelled=False, steps=_STEPS),
    "votes": Phase("votes", unlabelled=False, labelled=True, steps=_STEPS),
    "alternating": Phase("alternating", unlabelled=True, labelled=True, steps=_STEPS),
}
_GALAXIES = 512  # synthetic ones, of which half are labelled
_PREDICTED = 64  # pictures predicted at once
_JPEG = 424  # pixels of a decoded file, as Kaggle's
_MATRIX = 2048  # rows and columns of the product that the peak is taken from


def benchmark(config: Any, json_path: str | Path | None = None) -> dict[str, Any]:
    """Measures, prints a table and, where a path is given, writes all numbers as JSON.

    Args:
        config: of a run; its model, batch sizes and augmentation are measured, on synthetic galaxies.
        json_path: of the file.

    Returns:
        What the file holds: environment; matmul_gflops; steps, pipelines and predictions, a list each; jpeg_ms, per
        picture; peak_memory_mib, of this process, None on Windows.

    Raises:
        InputError: the config is impossible, names a table, or has no pose to compare with.
    """
    validate_config(config)
    if config.data.table:
        raise InputError("a benchmark makes its own galaxies; leave out --data and config.data.table.")
    if config.model.pose.group == "none":
        raise InputError("a benchmark compares with model.pose.group=none by itself; name another group.")
    config = _small(config)
    data = load_data(config)
    result: dict[str, Any] = {"environment": _environment(), "matmul_gflops": _matmul_gflops()}
    result["steps"] = [row for name in _PHASES for row in _time_steps(name, config, data, result["matmul_gflops"])]
    result["pipelines"] = [_time_pipeline(name, config, data) for name in _PHASES]
    result["predictions"] = _time_predictions(config, data)
    result["jpeg_ms"] = _time_jpeg(config, data)
    result["peak_memory_mib"] = _peak_memory_mib()
    print(_table(result))
    if json_path:
        write_json(json_path, result)
    return result


def count_flops(function: Callable[..., Any], *arguments: Any) -> int:
    """Floating-point operations of a call, by TensorFlow's profiler, its layers written plainly."""
    with plain_layers():
        graph = tf.function(function).get_concrete_function(*arguments).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    tf.get_logger().setLevel("ERROR")  # the profiler calls what TensorFlow deprecates
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


def _small(config: Any) -> Any:
    """The config with few galaxies and both terms that a step can have."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.data.synthetic_train, config.data.synthetic_test = _GALAXIES, 1
        config.n_labels = _GALAXIES // 2
        config.data.validation_fraction = 0.0
        config.train.view_weight = config.train.view_weight or 1.0
    return config


def _environment() -> dict[str, Any]:
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "devices": [device.device_type for device in tf.config.list_physical_devices()],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", ""),
    }


def _peak_memory_mib() -> float | None:
    """Of this process; None where the system does not say."""
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _in_turns(calls: dict[Any, Callable[[], Any]], repeated: float = 1) -> dict[Any, dict[str, float]]:
    """Median and quartiles of each call's milliseconds; a call returns what has to be ready."""
    times: dict[Any, list[float]] = {name: [] for name in calls}
    for turn in range(_WARM + max(1, round(repeated * _ROUNDS))):
        for name, call in calls.items():
            start = time.perf_counter()
            tf.nest.map_structure(np.asarray, call())
            if turn >= _WARM:
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: _summary(values) for name, values in times.items()}


def _summary(milliseconds: list[float]) -> dict[str, float]:
    lower, median, upper = np.percentile(milliseconds, [25, 50, 75])
    return {"ms": float(median), "lower_quartile_ms": float(lower), "upper_quartile_ms": float(upper)}


def _matmul_gflops() -> float:
    """Of a float32 matrix product: what all shares are shares of."""
    matrix = tf.random.stateless_normal([_MATRIX, _MATRIX], [0, 0])
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    return 2e-6 * _MATRIX**3 / _in_turns({"matmul": product})["matmul"]["ms"]


def _model(config: Any, pose: bool, answers: tuple[int, ...]) -> ETVAE:
    keras.utils.set_random_seed(config.seed)
    model_config = config.model.copy_and_resolve_references()
    if not pose:
        model_config.pose.group = "none"
    return build_model(model_config, config.data.image_size, config.data.channels, answers, config.seed)


def _time_steps(name: str, config: Any, data: GalaxyData, peak: float) -> list[dict[str, Any]]:
    """A phase's step with the pose and without, on one batch."""
    phase = _PHASES[name]
    batch = next(iter(training_set(phase, config, data, 0)))
    galaxies = sum(len(tf.nest.flatten(part)[0]) for part in batch.values())
    calls, rows = {}, []
    for pose in (True, False):
        model = _model(config, pose, data.questions.counts)
        compile_for(model, phase, config.train)
        flops = count_flops(model.train_step, batch)
        step = tf.function(model.train_step)
        calls[pose] = lambda step=step: step(batch)
        rows.append({"step": name, "pose": pose, "galaxies": galaxies, "gflop": 1e-9 * flops})
    for row, timed in zip(rows, _in_turns(calls).values(), strict=True):
        rate = 1e3 / timed["ms"]
        row |= {**timed, "galaxies_per_second": rate * galaxies, "share_of_peak": rate * row["gflop"] / peak}
    return rows


def _time_pipeline(name: str, config: Any, data: GalaxyData) -> dict[str, Any]:
    """A phase's batches, with nothing beside them."""
    batches = iter(training_set(_PHASES[name], config, data, 0))
    return {"pipeline": name, **_in_turns({name: lambda: next(batches)}, repeated=4)[name]}


def _time_predictions(config: Any, data: GalaxyData) -> list[dict[str, Any]]:
    """Votes of pictures in memory, with the pose and without."""
    images = to_float(data.pool[:_PREDICTED])
    calls = {}
    for pose in (True, False):
        model = _model(config, pose, data.questions.counts)
        calls[pose] = tf.function(lambda model=model: model(images)["vote_fractions"])
    return [
        {"pose": pose, "galaxies": _PREDICTED, **timed, "galaxies_per_second": 1e3 * _PREDICTED / timed["ms"]}
        for pose, timed in _in_turns(calls).items()
    ]


def _time_jpeg(config: Any, data: GalaxyData) -> float:
    """Milliseconds to decode, cut and resize one file, on as many threads as TensorFlow chooses."""
    pictures = tf.image.resize(data.pool[:_PREDICTED], (_JPEG, _JPEG))
    if config.data.channels == 1:
        pictures = tf.image.grayscale_to_rgb(pictures)
    files = tf.stack([tf.io.encode_jpeg(tf.cast(picture, tf.uint8)) for picture in pictures])

    def decode() -> list[tf.Tensor]:
        dataset = tf.data.Dataset.from_tensor_slices(files).map(
            lambda file: preprocess(file, config.data.image_size, config.data.channels, config.data.crop_fraction),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return list(dataset)

    return _in_turns({"jpeg": decode}, repeated=0.2)["jpeg"]["ms"] / _PREDICTED


def _table(result: dict[str, Any]) -> str:
    """All numbers for reading, as Markdown."""
    environment = result["environment"]
    lines = [
        f"TensorFlow {environment['tensorflow']}, {environment['cores']} cores, oneDNN "
        f"{environment['TF_ENABLE_ONEDNN_OPTS'] or 'as TensorFlow chooses'}; float32 matrix product "
        f"{result['matmul_gflops']:.0f} GFLOP/s. Milliseconds: median [quartiles].",
        "",
        "| step | galaxies | with the pose | without | ratio | galaxies/s | share of peak | without |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one, none in zip(result["steps"][::2], result["steps"][1::2], strict=True):
        shares = f"{one['share_of_peak']:.0%} | {none['share_of_peak']:.0%}"
        lines.append(f"| {one['step']} | {_compared(one, none)} | {shares} |")
    one, none = result["predictions"]
    lines += [f"| prediction | {_compared(one, none)} | | |", ""]
    pipelines = "; ".join(f"{row['pipeline']} {_cell(row)}" for row in result["pipelines"])
    lines += [
        f"Input pipeline alone, a batch: {pipelines}.",
        f"Decoding a {_JPEG}x{_JPEG} JPEG: {result['jpeg_ms']:.2f} ms.",
    ]
    if result["peak_memory_mib"] is not None:
        lines.append(f"Peak memory of this process: {result['peak_memory_mib']:.0f} MiB.")
    return "\n".join(lines)


def _compared(one: dict[str, Any], none: dict[str, Any]) -> str:
    ratio = one["ms"] / none["ms"]
    return f"{one['galaxies']} | {_cell(one)} | {_cell(none)} | {ratio:.2f} | {one['galaxies_per_second']:.0f}"


def _cell(timed: dict[str, Any]) -> str:
    return f"{timed['ms']:.1f} [{timed['lower_quartile_ms']:.1f}, {timed['upper_quartile_ms']:.1f}]"
