"""TensorFlow Serving's REST interface over a loaded model: https://www.tensorflow.org/tfx/serving/api_rest."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from model_server.json_tensors import parse_predict, write_predict
from model_server.models import Model, ServingError, Version, invalid

_PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:predict|/metadata)?"
)
_HTTP_STATUS = {grpc.StatusCode.NOT_FOUND: 404, grpc.StatusCode.RESOURCE_EXHAUSTED: 429}  # 400 else


class RestServer(ThreadingHTTPServer):
    """Serves a model on a port of this machine; `serve_forever` runs until `shutdown`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, model: Model, host: str, port: int):
        self.model = model
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802
        """Status or metadata."""
        self._reply(self._describe)

    def do_POST(self) -> None:  # noqa: N802
        """Predictions."""
        self._reply(self._predict)

    def log_message(self, *_: Any) -> None:
        """Keeps silent, as TensorFlow Serving does."""

    def _reply(self, answer: Any) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            match = _PATH.fullmatch(self.path)
            if not match:
                raise invalid(f"Malformed request: {self.command} {self.path}")
            number = int(match["version"]) if match["version"] else None
            one = bool(match["version"] or match["label"])
            version = self.server.model.find(match["model"], number, match["label"] or "")
            status, content = 200, answer(match["action"], version, one, body)
        except ServingError as error:
            status, content = _HTTP_STATUS.get(error.code, 400), json.dumps({"error": str(error)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _predict(self, action: str | None, version: Version, _: bool, body: bytes) -> bytes:
        if action != ":predict":
            raise invalid(f"Malformed request: POST {self.path}")
        call = parse_predict(body, version.signature)
        return write_predict(version.run(call.signature_name, call.inputs), call.by_row)

    def _describe(self, action: str | None, version: Version, one: bool, _: bytes) -> bytes:
        if action == ":predict":
            raise invalid(f"Malformed request: GET {self.path}")
        if action == "/metadata":
            signatures = {
                name: MessageToDict(signature, preserving_proto_field_name=True)
                for name, signature in version.signature_defs.items()
            }
            spec = {"name": "etvae", "signature_name": "", "version": str(version.number)}
            metadata = {"signature_def": {"signature_def": signatures}}
            return json.dumps({"model_spec": spec, "metadata": metadata}, indent=1).encode()
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        numbers = [version.number] if one else sorted(self.server.model.versions, reverse=True)
        states = [{"version": str(number), **state} for number in numbers]
        return json.dumps({"model_version_status": states}, indent=1).encode()
