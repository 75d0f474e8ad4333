"""TensorFlow Serving's REST interface over a loaded model: https://www.tensorflow.org/tfx/serving/api_rest."""

from __future__ import annotations

import json
import re
import socket
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2

from etvae_tf.compat import message_to_dict
from etvae_tf.serving.local.errors import HTTP_STATUS, ServingError, invalid
from etvae_tf.serving.local.json_tensors import parse_predict, write_predict
from etvae_tf.serving.local.models import Model
from etvae_tf.serving.local.services import MAX_BYTES, answer_metadata, answer_status

__all__ = ["RestServer"]

_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:predict|:classify|:regress|/metadata)?",
    re.IGNORECASE,
)
_IDLE_SECONDS = 60  # after which a silent connection is closed


class RestServer(ThreadingHTTPServer):
    """Serves a model on a port of this machine; `serve_forever` runs until `shutdown`."""

    daemon_threads = False  # closing waits for requests under way
    request_queue_size = 128

    def __init__(self, model: Model, host: str, port: int):
        self.model = model
        self._connections: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    def process_request(self, request: socket.socket, client_address: Any) -> None:
        """Starts a thread for a new connection."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        """Forgets a connection that ends."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stops listening, lets requests under way finish, and ends connections that are only kept alive."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:  # its other end is gone already
                pass
        super().server_close()

    def handle_error(self, request: socket.socket, client_address: Any) -> None:
        """A caller that hangs up is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:  # noqa: N802
        """Status or metadata."""
        self._handle()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Keeps silent, as TensorFlow Serving does."""

    def _handle(self) -> None:
        try:
            status, body = 200, self._answer(self._read_body())
        except ServingError as error:
            status, body = HTTP_STATUS.get(error.code, 500), _error(str(error))
        except _Refused as refused:
            status, body = refused.status, _error(str(refused))
            self.close_connection = True  # the body is still in the connection
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        except Exception:  # noqa: BLE001 - one request must not end the server
            traceback.print_exc()
            status, body = 500, _error("internal error; the server's log says more.")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise _Refused(411, "a request needs a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise _Refused(400, f"Content-Length {length!r} is no number.")
        if int(length) > MAX_BYTES:
            raise _Refused(413, f"the request has {length} bytes, but at most {MAX_BYTES} are taken; send it in parts.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the caller hung up")
        return body

    def _answer(self, body: bytes) -> bytes:
        match = _PATH.fullmatch(self.path)
        if not self.path.lower().startswith("/v1/"):
            raise _Refused(404, f"Not Found: {self.path}; the interface lies under /v1/models/.")
        action = (match["action"] or "").lower() if match else None
        if action is None or (self.command == "POST") != action.startswith(":") or self.command not in ("GET", "POST"):
            raise invalid(f"Malformed request: {self.command} {self.path}")
        spec = model_pb2.ModelSpec(name=unquote(match["model"]))
        if match["version"]:
            spec.version.value = int(match["version"])
        elif match["label"]:
            spec.version_label = unquote(match["label"])
        if action == ":predict":
            return self._predict(spec, body)
        if action == "/metadata":
            return self._metadata(spec)
        if action:
            raise invalid(f"Expected a signature for {action[1:]}, but the model has predict signatures only.")
        status = answer_status(self.server.model, get_model_status_pb2.GetModelStatusRequest(model_spec=spec))
        return _dump(message_to_dict(status))

    def _predict(self, spec: model_pb2.ModelSpec, body: bytes) -> bytes:
        version = self.server.model.find(spec)
        call = parse_predict(body, version.signature)
        return write_predict(version.run(call.signature_name, call.inputs), call.by_row)

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = answer_metadata(self.server.model, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return _dump(
            {
                "model_spec": message_to_dict(response.model_spec),
                "metadata": {"signature_def": message_to_dict(signatures)},
            }
        )


class _Refused(Exception):
    """A request turned away by its head, with its body unread."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def _dump(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()
