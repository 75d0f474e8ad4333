"""The files that start TensorFlow Serving: they parse as its protobufs, and agree with each other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

FOLDER = Path(__file__).resolve().parents[2] / "saved_models"
Field = descriptor_pb2.FieldDescriptorProto


@pytest.fixture(scope="module")
def messages() -> dict[str, type[Message]]:
    """BatchingParameters and MonitoringConfig of TensorFlow Serving, whose Python package leaves them out.

    Fields as in its servables/tensorflow/session_bundle_config.proto and config/monitoring_config.proto.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="left_out.proto", package="tensorflow.serving", syntax="proto3", dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    batching = file.message_type.add(name="BatchingParameters")
    numbers = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    for number, name in enumerate(numbers, 1):
        batching.field.add(
            name=name, number=number, type=Field.TYPE_MESSAGE, label=1, type_name=".google.protobuf.Int64Value"
        )
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=Field.TYPE_BOOL, label=1)
    prometheus.field.add(name="path", number=2, type=Field.TYPE_STRING, label=1)
    monitoring = file.message_type.add(name="MonitoringConfig")
    monitoring.field.add(
        name="prometheus_config", number=1, type=Field.TYPE_MESSAGE, label=1,
        type_name=".tensorflow.serving.PrometheusConfig",
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    names = [message.name for message in file.message_type]
    found = {name: pool.FindMessageTypeByName(f"tensorflow.serving.{name}") for name in names}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


@pytest.fixture(scope="module")
def service() -> dict:
    return yaml.safe_load((FOLDER / "docker-compose.yml").read_text())["services"]["etvae"]


def read(name: str, message: Message) -> Message:
    return text_format.Parse((FOLDER / name).read_text(), message)


def test_models_config():
    (model,) = read("models.config", model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == ("etvae", "/models/etvae", "tensorflow")
    assert dict(model.version_labels) == {"stable": 1}
    assert model.model_version_policy.WhichOneof("policy_choice") == "all"  # so that a label's version is loaded


def test_batching_config_takes_the_batches_of_the_client(messages):
    parameters = read("batching.config", messages["BatchingParameters"]())
    assert parameters.max_batch_size.value >= 64  # the client's default
    assert 0 < parameters.batch_timeout_micros.value <= 10_000
    assert parameters.max_enqueued_batches.value > 0 and parameters.num_batch_threads.value > 0


def test_monitoring_config(messages):
    config = read("monitoring.config", messages["MonitoringConfig"]()).prometheus_config
    assert config.enable and config.path == "/metrics"


def test_a_misspelt_field_is_noticed(messages):
    with pytest.raises(text_format.ParseError):
        text_format.Parse("max_batch { value: 1 }", messages["BatchingParameters"]())


def test_compose_mounts_every_file_that_its_flags_name(service):
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    (mount,) = service["volumes"]
    host, container, mode = mount.split(":")
    assert (host, container, mode) == (".", "/models", "ro")
    files = {name: value for name, value in flags.items() if name.endswith("_file")}
    assert set(files) == {"model_config_file", "batching_parameters_file", "monitoring_config_file"}
    for path in files.values():
        assert (FOLDER / host / Path(path).relative_to(container)).is_file()
    assert flags["enable_batching"] == "true"
    assert flags["allow_version_labels_for_unavailable_models"] == "true"


def test_compose_opens_both_ports_to_this_machine_alone(service):
    assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
    assert "network_mode" not in service  # host would open them to all again


def test_compose_pins_the_image(service):
    image, tag = service["image"].split(":")
    assert image == "tensorflow/serving" and tag.count(".") == 2
    assert "<2.22" in (FOLDER.parent / "setup.py").read_text() and tag.startswith(
        "2.21."
    )  # the TensorFlow that exports
