"""The gRPC service, and both interfaces together on ports of this machine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from etvae_tf.serving.messages import MODEL_NAME
from model_server.models import Model, ServingError
from model_server.rest import RestServer

_HOST = "127.0.0.1"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`Predict`; the other methods are unimplemented."""

    def __init__(self, model: Model):
        self._model = model

    def Predict(  # noqa: N802
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Calls the signature that is asked for."""
        spec = request.model_spec
        number = spec.version.value if spec.HasField("version") else None
        try:
            version = self._model.find(spec.name, number, spec.version_label)
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs = version.run(spec.signature_name, inputs, request.output_filter)
        except ServingError as error:
            context.abort(error.code, str(error))
        response = predict_pb2.PredictResponse()
        response.model_spec.name = MODEL_NAME
        response.model_spec.version.value = version.number
        for name, values in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response


class LocalServer:
    """Serves every version of a folder under the name etvae until it is stopped; a context manager.

    Args:
        model_base_path: folder of the versions.
        port: of gRPC; 0 takes a free one.
        rest_api_port: of REST; 0 takes a free one.
        model_config_file: models.config, for its version labels.
    """

    def __init__(
        self,
        model_base_path: str | Path,
        port: int = 0,
        rest_api_port: int = 0,
        model_config_file: str | Path | None = None,
    ):
        self.model = Model(model_base_path, model_config_file)
        options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
        self._grpc = grpc.server(ThreadPoolExecutor(16), options=options)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(self.model), self._grpc)
        self.address = f"{_HOST}:{self._grpc.add_insecure_port(f'{_HOST}:{port}')}"
        self._rest = RestServer(self.model, _HOST, rest_api_port)
        self.rest_address = f"{_HOST}:{self._rest.server_address[1]}"
        self.url = f"http://{self.rest_address}/v1/models/{MODEL_NAME}"
        self._grpc.start()
        self._thread = threading.Thread(target=self._rest.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes no more requests and frees the ports."""
        stopped = self._grpc.stop(grace=10)
        self._rest.shutdown()
        self._rest.server_close()
        self._thread.join()
        stopped.wait()

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
