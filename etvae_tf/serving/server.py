"""A local model server for tests and demos, speaking TensorFlow Serving's gRPC and REST interfaces.

python -m etvae_tf.serving.server --model_base_path=saved_models/etvae --port=8500 --rest_api_port=8501

It listens on this machine only, loads what it finds when it starts, and does not join requests into batches.
"""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from absl import flags

from etvae_tf.errors import InputError
from etvae_tf.serving.command_line import run_command
from etvae_tf.serving.messages import MODEL_NAME, require_serving

__all__ = ["LocalServer"]

_HOST = "127.0.0.1"
_THREADS = 16  # gRPC requests under way at once
_GRACE_SECONDS = 10  # for requests under way when the server stops


class LocalServer:
    """Serves a folder of versions until it is stopped; a context manager.

    Attributes:
        port: of gRPC.
        rest_port: of REST.
    """

    def __init__(
        self,
        model_base_path: str | Path,
        port: int = 0,
        rest_api_port: int = 0,
        model_name: str = MODEL_NAME,
        model_config_file: str | Path | None = None,
    ):
        """Loads and starts.

        Args:
            model_base_path: folder of the versions.
            port: of gRPC; 0 takes a free one.
            rest_api_port: of REST; 0 takes a free one.
            model_name: under which the model is served.
            model_config_file: see `load_model`.

        Raises:
            InputError: no model, a port in use, or tensorflow-serving-api is not installed.
        """
        require_serving()
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        from etvae_tf.serving.local.models import load_model
        from etvae_tf.serving.local.rest import RestServer
        from etvae_tf.serving.local.services import MAX_BYTES, ModelService, PredictionService

        self.model = load_model(model_name, model_base_path, model_config_file)
        options = [("grpc.max_receive_message_length", MAX_BYTES), ("grpc.so_reuseport", 0)]
        self._grpc = grpc.server(ThreadPoolExecutor(_THREADS), options=options)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(self.model), self._grpc)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(self.model), self._grpc)
        try:
            self._rest = RestServer(self.model, _HOST, rest_api_port)
        except (OSError, OverflowError) as error:
            raise InputError(f"port {rest_api_port} of {_HOST} cannot be used ({error}); choose another.") from error
        try:
            self.port = self._grpc.add_insecure_port(f"{_HOST}:{port}")
        except RuntimeError as error:
            self._rest.server_close()
            raise InputError(f"port {port} of {_HOST} cannot be used, perhaps it is in use; choose another.") from error
        self.rest_port = self._rest.server_address[1]
        self._grpc.start()
        self._thread = threading.Thread(target=self._rest.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes no more requests, finishes those under way and frees the ports."""
        stopped = self._grpc.stop(_GRACE_SECONDS)
        self._rest.shutdown()
        self._rest.server_close()
        self._thread.join()
        stopped.wait()

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _define_flags() -> None:
    flags.DEFINE_string(
        "model_base_path",
        "saved_models/etvae",
        "Folder of the versions 1, 2, ...; the newest is served where no config says more.",
    )
    flags.DEFINE_integer("port", 8500, "Of gRPC; 0 takes a free one.", 0, 65535)
    flags.DEFINE_integer("rest_api_port", 8501, "Of REST; 0 takes a free one.", 0, 65535)
    flags.DEFINE_string("model_name", MODEL_NAME, "Under which the model is served.")
    flags.DEFINE_string("model_config_file", None, "models.config: which versions are served, and their labels.")


def _main(values: flags.FlagValues) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with LocalServer(
        values.model_base_path, values.port, values.rest_api_port, values.model_name, values.model_config_file
    ) as server:
        versions = ", ".join(map(str, sorted(server.model.versions)))
        print(
            f"serving {server.model.name}, version {versions}: gRPC on {_HOST}:{server.port}, "
            f"REST on http://{_HOST}:{server.rest_port}/v1/models/{server.model.name}; stop with Ctrl-C",
            flush=True,
        )
        stop.wait()
    print("stopped")


if __name__ == "__main__":
    run_command("server", _define_flags, _main)
