"""Latency of one picture through the local gRPC server, against the model called in this process.

python -m etvae_tf.serving.latency --model_base_path=saved_models/etvae
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags

from etvae_tf.serving.command_line import run_command
from etvae_tf.serving.export import newest_version
from etvae_tf.serving.messages import predict_request, require_serving

__all__ = ["measure"]

_SIGNATURE = "serving_default"


def measure(model_base_path: str, calls: int = 1000) -> dict[str, np.ndarray]:
    """Times calls of `serving_default` with one image, directly and over gRPC in turns.

    Args:
        model_base_path: folder of the versions.
        calls: timed calls of each kind.

    Returns:
        Milliseconds (calls,) by kind, `direct` and `grpc`.

    Raises:
        InputError: no model, or tensorflow-serving-api is not installed.
    """
    require_serving()
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    model = tf.saved_model.load(str(newest_version(model_base_path))).signatures[_SIGNATURE]
    shape = model.structured_input_signature[1]["images"].shape
    image = np.random.default_rng(0).random((1, *shape[1:]), np.float32)
    command = [sys.executable, "-m", "etvae_tf.serving.server", f"--model_base_path={model_base_path}"]
    server = subprocess.Popen([*command, "--port=0", "--rest_api_port=0"], stdout=subprocess.PIPE, text=True)
    try:
        (port,) = re.findall(r"gRPC on \S+:(\d+)", server.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            kinds = {
                "direct": lambda: {name: values.numpy() for name, values in model(images=tf.constant(image)).items()},
                "grpc": lambda: [
                    tf.make_ndarray(values)
                    for values in stub.Predict(predict_request(_SIGNATURE, {"images": image})).outputs.values()
                ],
            }
            return _time_in_turns(kinds, calls)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def _time_in_turns(kinds: dict[str, Callable[[], object]], calls: int) -> dict[str, np.ndarray]:
    """In turns of 50 calls, so that whatever else the machine does falls on both alike."""
    milliseconds: dict[str, list[float]] = {name: [] for name in kinds}
    while any(len(times) < calls for times in milliseconds.values()):
        for name, function in kinds.items():
            for call in range(-5, 50):  # the first ones are not counted: threads of the turn before still spin
                start = time.perf_counter()
                function()
                if call >= 0:
                    milliseconds[name].append(1e3 * (time.perf_counter() - start))
    return {name: np.array(times[:calls]) for name, times in milliseconds.items()}


def _define_flags() -> None:
    flags.DEFINE_string("model_base_path", "saved_models/etvae", "Folder of the versions; the newest is measured.")


def _main(values: flags.FlagValues) -> None:
    percentiles = {name: np.percentile(times, (50, 99)) for name, times in measure(values.model_base_path).items()}
    for name, (median, p99) in percentiles.items():
        print(f"{name}: median {median:.2f} ms, p99 {p99:.2f} ms")
    ratios = percentiles["grpc"] / percentiles["direct"]
    print(f"grpc / direct: median {ratios[0]:.2f}, p99 {ratios[1]:.2f}")


if __name__ == "__main__":
    run_command("latency", _define_flags, _main)
