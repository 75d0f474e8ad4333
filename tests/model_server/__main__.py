"""The server as a command; started by its folder, so from a checkout alone."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(_TESTS.parent), str(_TESTS)]  # as pytest has them

from etvae_tf.errors import InputError  # noqa: E402
from model_server.server import LocalServer  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser("model_server", allow_abbrev=False)
    parser.add_argument("--model_base_path", default="saved_models/etvae", help="folder of the versions 1, 2, ...")
    parser.add_argument("--model_config_file", help="models.config, for its version labels")
    parser.add_argument("--port", type=int, default=8500, help="of gRPC; 0 takes a free one")
    parser.add_argument("--rest_api_port", type=int, default=8501, help="of REST; 0 takes a free one")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = LocalServer(**vars(arguments))
    except (InputError, OSError, RuntimeError) as error:  # no model, or a port in use
        parser.error(str(error))
    with server:
        versions = ", ".join(map(str, sorted(server.model.versions)))
        print(f"serving etvae, version {versions}: gRPC on {server.address}, REST on {server.url}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
