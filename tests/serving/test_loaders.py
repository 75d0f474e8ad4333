"""Whoever loads an exported model needs TensorFlow alone: its C++ loader, its core ops, none of this package."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from galaxies import synthetic_images
from tensorflow.core.protobuf import saved_model_pb2
from tolerances import BATCH_ATOL

TFLITE_ATOL = 1e-3  # its kernels sum in another order; latents are of order 1, and votes agree to 1e-4
HERE = Path(__file__).parent
TENSORFLOW = Path(importlib.util.find_spec("tensorflow").submodule_search_locations[0])

WITHOUT_PACKAGES = """
import sys
BLOCKED = ("etvae_tf", "keras", "tf_keras", "tensorflow_probability", "tensorflow_addons")
class Hiding:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *rest):
        return None if name.split(".")[0] in BLOCKED else self.finder.find_spec(name, *rest)
sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
import numpy as np
import tensorflow as tf
folder, ops, target, *files = sys.argv[1:]
loaded = tf.saved_model.load(folder)
outputs = loaded.signatures["predict_bytes"](image_bytes=tf.constant([open(file, "rb").read() for file in files]))
np.savez(target, **{key: values.numpy() for key, values in outputs.items()})
assert not set(BLOCKED) & {name.split(".")[0] for name in sys.modules}
from tensorflow.python.framework import op_def_registry
print([name for name in ops.split() if op_def_registry.get(name) is None])
"""


def run(*command: object) -> str:
    finished = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def meta_graph(version: Path):
    saved = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    assert [list(one.meta_info_def.tags) for one in saved.meta_graphs] == [["serve"]]
    return saved.meta_graphs[0]


@pytest.fixture(scope="module")
def paths(files, broken, tmp_path_factory) -> list[Path]:
    """Four readable pictures with two others between them."""
    folder = tmp_path_factory.mktemp("pictures")
    rows = [files["jpeg"], broken["cut jpeg"], files["png"], broken["empty"], files["grey jpeg"], files["large jpeg"]]
    for index, row in enumerate(rows):
        (folder / str(index)).write_bytes(row)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def expected(version, paths) -> dict[str, np.ndarray]:
    outputs = tf.saved_model.load(str(version)).signatures["predict_bytes"](
        image_bytes=tf.constant([path.read_bytes() for path in paths])
    )
    return {key: values.numpy() for key, values in outputs.items()}


def assert_equal(target: Path, expected: dict[str, np.ndarray]) -> None:
    found = np.load(target)
    assert set(found) == set(expected)
    assert found["ok"].tolist() == [True, False, True, False, True, True]
    for key, values in expected.items():
        assert found[key].dtype == values.dtype
        np.testing.assert_allclose(found[key], values, atol=BATCH_ATOL, rtol=BATCH_ATOL, err_msg=key)


@pytest.mark.slow
def test_loads_where_keras_probability_and_this_package_are_missing(version, paths, expected, tmp_path):
    """And its graph has core ops only."""
    graph = meta_graph(version).graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    functions = {function.signature.name for function in graph.library.function}
    ops = sorted({node.op for node in nodes} - functions)
    assert {"DecodeImage", "Conv2D", "IgnoreErrorsDataset"} <= set(ops)
    assert not [op for op in ops if "PyFunc" in op]
    asked = " ".join([*ops, "Addons>Resampler"])
    unknown = run("-c", WITHOUT_PACKAGES, version, asked, tmp_path / "outputs.npz", *paths).splitlines()[-1]
    assert unknown == "['Addons>Resampler']"  # the one that is none, to see that the check can fail
    assert_equal(tmp_path / "outputs.npz", expected)


@pytest.mark.slow
def test_loads_by_the_c_api(version, paths, expected, tmp_path):
    library = TENSORFLOW / "libtensorflow_cc.so.2"
    if not library.exists():
        pytest.skip(f"this TensorFlow has no {library.name}")
    signature = meta_graph(version).signature_def["predict_bytes"]
    names = {
        "input": signature.inputs["image_bytes"].name,
        "outputs": {key: one.name for key, one in signature.outputs.items()},
    }
    run(HERE / "c_loader.py", library, version, json.dumps(names), tmp_path / "outputs.npz", *paths)
    assert_equal(tmp_path / "outputs.npz", expected)


@pytest.mark.slow
def test_signatures_leave_the_batch_free(version):
    signatures = meta_graph(version).signature_def
    picture, vector = [-1, 32, 32, 1], {"float": [-1], "bool": [-1]}
    shapes = {
        name: {
            key: [dimension.size for dimension in one.tensor_shape.dim]
            for key, one in [*signature.inputs.items(), *signature.outputs.items()]
        }
        for name, signature in signatures.items()
        if not name.startswith("__")
    }
    votes = dict.fromkeys(("vote_fractions", "vote_logits", "vote_concentration", "n_votes"), [-1, 3])
    latent = {"latent_mean": [-1, 4], "latent_stddev": [-1, 4], **dict.fromkeys(("pose_angle", "novelty"), [-1])}
    assert shapes == {
        "serving_default": {"images": picture, **votes, **latent},
        "predict_bytes": {"image_bytes": [-1], **votes, **latent, "ok": vector["bool"]},
        "canonicalise": {"images": picture, "canonical": picture, "pose_angle": [-1]},
        "reconstruct": {"images": picture, "reconstruction": picture, "elbo": [-1]},
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")  # its successor is a new package
def test_converts_to_tflite(version):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(version), signature_keys=["serving_default"])
    runner = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner("serving_default")
    images = synthetic_images(3, size=32)
    expected = tf.saved_model.load(str(version)).signatures["serving_default"](images=images)
    found = runner(images=images.numpy())
    assert set(found) == set(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, atol=TFLITE_ATOL, err_msg=key)


@pytest.mark.slow
def test_readme_describes_every_signature_and_output(version):
    readme = (HERE.parents[1] / "saved_models" / "README.md").read_text()
    for name, signature in meta_graph(version).signature_def.items():
        if not name.startswith("__"):
            assert not [key for key in (name, *signature.inputs, *signature.outputs) if f"`{key}`" not in readme]
