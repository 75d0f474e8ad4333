"""Warm-up requests as TensorFlow Serving would read and replay them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from model_server.models import read_warmup
from tensorflow_serving.apis import prediction_log_pb2

from etvae_tf.errors import InputError
from etvae_tf.serving import messages
from etvae_tf.serving.warmup import write_warmup

SIGNATURES = ["canonicalise", "predict_bytes", "reconstruct", "serving_default"]


@pytest.mark.slow
def test_records_parse_and_replay_on_the_loaded_model(versions):
    path = versions / "1" / "assets.extra" / "tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    loaded = tf.saved_model.load(str(versions / "1"))
    names = []
    for record in records:
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        assert request.model_spec.name == "etvae"
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        outputs = loaded.signatures[request.model_spec.signature_name](**inputs)
        assert all(len(values) == 1 and np.isfinite(values.numpy()).all() for values in outputs.values())
        names.append(request.model_spec.signature_name)
    assert names == SIGNATURES


@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_the_size_range_and_channels_of_the_model(tmp_path, channels):
    def add(images):
        return {"sum": tf.reduce_sum(images, axis=(1, 2, 3))}

    module = tf.Module()
    module.function = tf.function(add, input_signature=[tf.TensorSpec((None, 32, 32, channels), name="images")])
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.function})
    write_warmup(tmp_path)
    (request,) = read_warmup(tmp_path)
    image = tf.make_ndarray(request.inputs["images"])
    assert image.shape == (1, 32, 32, channels) and image.dtype == np.float32
    assert 0 <= image.min() < image.max() <= 1


def test_pictures_are_jpegs(versions):
    (request,) = (one for one in read_warmup(versions / "1") if one.model_spec.signature_name == "predict_bytes")
    (jpeg,) = tf.make_ndarray(request.inputs["image_bytes"])
    assert tf.io.decode_jpeg(jpeg).shape == (64, 64, 3)


def test_a_version_without_warmup_has_no_requests(tmp_path):
    assert read_warmup(tmp_path) == []


def test_missing_serving_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "predict_pb2", None)
    with pytest.raises(InputError, match=r"install the extra '\.\[serving\]'"):
        write_warmup(tmp_path)


@pytest.mark.slow
def test_an_exported_model_brings_a_request_for_each_signature(version):
    loaded = tf.saved_model.load(str(version))
    requests = read_warmup(version)
    assert [request.model_spec.signature_name for request in requests] == SIGNATURES
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        outputs = loaded.signatures[request.model_spec.signature_name](**inputs)
        assert all(np.isfinite(values.numpy()).all() for values in outputs.values())
