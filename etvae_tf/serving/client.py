"""Scores a folder of pictures with a model behind TensorFlow Serving, over gRPC or REST, into a table.

python -m etvae_tf.serving.client --address=localhost:8500 --images=FOLDER --output=votes.csv
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data import Question, Questions, open_images
from etvae_tf.errors import InputError
from etvae_tf.serving.messages import MODEL_NAME, predict_request, require_serving
from etvae_tf.vote_tables import check_n_votes, check_output, read_batches, score_batches, write_table

__all__ = ["Client", "GrpcClient", "RestClient", "score"]

_OUTPUTS = ("vote_fractions", "vote_concentration", "n_votes", "pose_angle", "ok")
_KEPT = (*_OUTPUTS, "novelty")  # the latter of models that know what they learnt from
_LONGEST_PAUSE = 5.0  # seconds between two tries
_Result = TypeVar("_Result")


class _Unavailable(InputError):
    """The server may answer later: it is not there yet, or has too much to do."""


class Client:
    """What both protocols share: an address, a model, a version label and a deadline.

    Args:
        address: HOST:PORT of the server.
        deadline: seconds for one batch, its retries included.
        model_name: under which the model is served.
        version_label: for instance stable; the newest version where there is none.

    Raises:
        InputError: the extra `.[serving]` is not installed.
    """

    def __init__(
        self, address: str, deadline: float = 30.0, model_name: str = MODEL_NAME, version_label: str | None = None
    ):
        require_serving()
        self._address = address
        self._deadline = deadline
        self._model_name = model_name
        self._version_label = version_label

    def predict(self, pictures: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Votes of encoded pictures.

        Args:
            pictures: B JPEG or PNG files.

        Returns:
            vote_fractions, vote_concentration and n_votes float32 (B, K); pose_angle float32 (B,) in radians; ok bool
            (B,); where the model gives it, novelty float32 (B,).

        Raises:
            InputError: the server did not answer by the deadline, or refused.
        """
        outputs = self._with_retries(lambda seconds: self._call(pictures, seconds))
        for name in _OUTPUTS:
            if name not in outputs or len(outputs[name]) != len(pictures):
                raise InputError(
                    f"the model {self._model_name} at {self._address} gave no {name} of {len(pictures)} pictures; name "
                    "a model exported by --mode=export."
                )
        return outputs

    def _call(self, pictures: Sequence[bytes], seconds: float) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _with_retries(self, call: Callable[[float], _Result]) -> _Result:
        import tenacity

        start = time.monotonic()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Unavailable),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=_LONGEST_PAUSE),
            stop=tenacity.stop_before_delay(self._deadline),
            reraise=True,
        )
        return retrying(lambda: call(max(0.001, start + self._deadline - time.monotonic())))

    def _unavailable(self, reason: str) -> _Unavailable:
        return _Unavailable(
            f"no answer from a model server at {self._address} within {self._deadline:g} s ({reason}); start it, or "
            "mend --address."
        )

    def _refused(self, reason: str) -> InputError:
        return InputError(f"the model server at {self._address} refused the request ({reason}).")


class GrpcClient(Client):
    """Calls `predict_bytes` over gRPC; see `Client` for its arguments."""

    def __init__(self, address: str, *arguments: Any, **keywords: Any):
        super().__init__(address, *arguments, **keywords)
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        options = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_receive_message_length", -1)]
        channel = grpc.insecure_channel(address, options=options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def _call(self, pictures: Sequence[bytes], seconds: float) -> dict[str, np.ndarray]:
        import grpc

        request = predict_request("predict_bytes", {"image_bytes": list(pictures)}, self._model_name)
        if self._version_label:
            request.model_spec.version_label = self._version_label
        try:
            response = self._stub.Predict(request, timeout=seconds)
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {error.details()}"
            later = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
            raise (self._unavailable if error.code() in later else self._refused)(reason) from error
        return {name: tf.make_ndarray(response.outputs[name]) for name in _KEPT if name in response.outputs}


class RestClient(Client):
    """Calls `predict_bytes` over REST; see `Client` for its arguments."""

    def __init__(self, address: str, *arguments: Any, **keywords: Any):
        super().__init__(address, *arguments, **keywords)
        import requests

        self._session = requests.Session()
        label = f"/labels/{self._version_label}" if self._version_label else ""
        self._url = f"http://{address}/v1/models/{self._model_name}{label}:predict"

    def _call(self, pictures: Sequence[bytes], seconds: float) -> dict[str, np.ndarray]:
        import requests

        encoded = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
        body = {"signature_name": "predict_bytes", "inputs": {"image_bytes": encoded}}
        try:
            response = self._session.post(self._url, json=body, timeout=seconds)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise self._unavailable(type(error).__name__) from error
        except requests.RequestException as error:
            raise self._refused(str(error)) from error
        if not response.ok:
            reason = f"{response.status_code}: {_error_of(response.content) or response.reason}"
            raise (self._unavailable if response.status_code in (429, 503) else self._refused)(reason)
        try:  # not response.json(), which may be read by a parser that takes no NaN
            outputs = json.loads(response.content)["outputs"]
            kinds = {name: bool if name == "ok" else np.float32 for name in _KEPT if name in outputs}
            return {name: np.array(outputs[name], kind) for name, kind in kinds.items()}
        except (ValueError, KeyError, TypeError) as error:
            raise self._refused("its answer is not one of TensorFlow Serving") from error


def _error_of(content: bytes) -> str | None:
    try:
        return json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        return None


def score(
    client: Client,
    images: str,
    output: str,
    answers: Sequence[str] | None = None,
    batch_size: int = 64,
    n_votes: int | None = None,
) -> pd.DataFrame:
    """Scores every picture of a folder or zip into a table, whole or not at all.

    Args:
        client: of a server.
        images: folder or zip of JPEG or PNG pictures, of any size.
        output: path of the table, .csv or .parquet; must not exist.
        answers: names of the K answers; answer_0, answer_1, ... where there are none.
        batch_size: pictures sent at once.
        n_votes: see `vote_table`.

    Returns:
        What the table holds, see `vote_table`.

    Raises:
        InputError: an impossible batch_size, no pictures, no place for the table, other answers than the model's, or
            no answer from the server.
    """
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size}, but at least 1 was expected; 64 is usual.")
    check_n_votes(n_votes)
    check_output(output)
    source = open_images(images)
    source.tell_others()

    def predict(files: list[bytes]) -> dict[str, np.ndarray]:
        outputs = client.predict(files)
        count = outputs["vote_fractions"].shape[1]
        if answers and len(answers) != count:
            raise InputError(f"--answers names {len(answers)} answers, but the model has {count}; name as many.")
        return outputs

    questions = Questions((Question("served", tuple(answers)),)) if answers else None
    rows = score_batches(predict, read_batches(source, batch_size), questions, source.why_unreadable, n_votes)
    table = write_table(output, rows, len(source.names))
    broken = int((~table["ok"]).sum())
    print(f"{len(table)} pictures scored into {output}" + (f"; {broken} unreadable" if broken else ""))
    return table


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("client", allow_abbrev=False)
    add = parser.add_argument
    add("--images", required=True, help="folder or zip of pictures")
    add("--output", required=True, help="table to write, .csv or .parquet")
    add("--address", default="localhost:8500", help="HOST:PORT of the server; with --rest its port is 8501 as a rule")
    add("--rest", action="store_true", help="REST instead of gRPC")
    add("--answers", type=lambda names: names.split(","), help="names of the answers: smooth,featured,artifact")
    add("--batch_size", type=int, default=64, help="pictures sent at once")
    add("--n_votes", type=int, help="votes that _std, _low and _high are of; default the training table's mean")
    add("--deadline", type=float, default=30.0, help="seconds for one batch, retries included")
    add("--model_name", default=MODEL_NAME, help="under which the model is served")
    add("--version_label", help="such as stable; the newest version where there is none")
    return parser.parse_args()


def main() -> None:
    """Scores by the flags of the command line; ends with one sentence and exit code 2 where they are wrong."""
    values = _parse()
    try:
        kind = RestClient if values.rest else GrpcClient
        client = kind(values.address, values.deadline, values.model_name, values.version_label)
        score(client, values.images, values.output, values.answers, values.batch_size, values.n_votes)
    except InputError as error:
        print(f"client: error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
