"""Trains, evaluates, compares, exports, applies and times ETVAEs: flags -> one config -> one call.

python main.py --regime=two_step --n_labels=1200
"""

import os
import sys
from typing import NoReturn

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # silences TensorFlow's start-up notices, not its errors

from absl import app, flags, logging
from ml_collections import config_flags


def _refuse(sentence: str) -> NoReturn:
    one_line = " ".join(sentence.replace("\\n", " ").split())
    print(f"main.py: error: {one_line}", file=sys.stderr)
    sys.exit(2)


_ROOT = os.path.dirname(os.path.abspath(__file__))
_DEFAULT = os.path.join(_ROOT, "configs", "default.py")
try:  # the config is read here, with its overrides
    _CONFIG = config_flags.DEFINE_config_file(
        "config", _DEFAULT, "Config file; --config.FIELD=VALUE overrides a field."
    )
except (AttributeError, KeyError, TypeError, ValueError) as error:
    _refuse(f"in a --config flag: {error}")
_MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "evaluate", "learning_curve", "export", "predict", "benchmark"],
    "train a run; evaluate a trained one on a table; learning_curve: train the runs of config.curve and compare them; "
    "export a trained run as a SavedModel; predict the votes of a folder of pictures with an exported model; "
    "benchmark: time the steps of every regime, with and without the pose, on synthetic galaxies.",
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Run folder; default runs/REGIME_nN_LABELS_seedSEED_DATA.")
_EXPORT_DIR = flags.DEFINE_string(
    "export_dir", os.path.join(_ROOT, "saved_models", "etvae"), "Folder of exported models, one version 1, 2, ... each."
)
_OUTPUT = flags.DEFINE_string("output", None, "Table that predict writes, .csv or .parquet.")
_JSON = flags.DEFINE_string("json", None, "File that benchmark writes all its numbers to.")
_SHORT = {  # short flag -> config field
    "regime": "regime",
    "n_labels": "n_labels",
    "seed": "seed",
    "data": "data.table",
    "images": "data.images",
    "unlabelled": "data.unlabelled",
    "split": "data.split",
}
flags.DEFINE_string("regime", None, "supervised, alternating or two_step.")
flags.DEFINE_integer("n_labels", None, "Labelled galaxies in all, validation included.")
flags.DEFINE_integer("seed", None, "Of weights, labels drawn, data order and noise.")
flags.DEFINE_string("data", None, "CSV or Parquet table with votes; synthetic galaxies where there is none.")
flags.DEFINE_string("images", None, "Folder or zip with the pictures, named ID.jpg or ID.png.")
flags.DEFINE_string("unlabelled", None, "Folder or zip with more pictures, learnt from without labels.")
flags.DEFINE_string("split", None, "CSV with columns id, split (train or test); default a hash of the id.")


def _refuse_unused() -> None:
    """benchmark takes no run's flags, and no other mode takes --json."""
    if _MODE.value != "benchmark":
        unused, used = ["json"], "--mode=benchmark writes numbers"
    else:
        unused = ["workdir", "export_dir", "output", *_SHORT]
        used = "it times every regime on synthetic galaxies, and takes --config and --json"
    for flag in unused:
        if flags.FLAGS[flag].present:
            _refuse(f"--mode={_MODE.value} does not use --{flag}; leave it out: {used}.")


def _parse(arguments: list[str]) -> list[str]:
    """Parses flags; whatever is wrong with them is one sentence and exit code 2."""
    try:
        rest = flags.FLAGS(arguments)
        _CONFIG.value["regime"]  # absl keeps an unreadable config file to itself until a field is asked for
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        _refuse(str(error))
    if len(rest) > 1:
        _refuse(f"unexpected argument {rest[1]!r}; flags are written --name=value, see --help.")
    _refuse_unused()
    return rest


def main(_: list[str]) -> None:
    """Resolves the config and makes the one call."""
    logging.set_verbosity(logging.WARNING)
    from etvae_tf import run
    from etvae_tf.errors import InputError
    from etvae_tf.experiments import benchmark, learning_curve
    from etvae_tf.inference import predict_pictures
    from etvae_tf.serving.export import export_run

    config = _CONFIG.value
    for flag, field in _SHORT.items():
        if flags.FLAGS[flag].value is not None:
            config.update_from_flattened_dict({field: flags.FLAGS[flag].value})
    try:
        if _MODE.value == "train":
            run.train_run(config, _WORKDIR.value)
        elif _MODE.value == "evaluate":
            run.evaluate_run(config, _WORKDIR.value)
        elif _MODE.value == "learning_curve":
            learning_curve(config, _WORKDIR.value)
        elif _MODE.value == "benchmark":
            benchmark(config, _JSON.value)
        elif _MODE.value == "export":
            export_run(_WORKDIR.value, _EXPORT_DIR.value)
        else:
            predict_pictures(config.data.images, _OUTPUT.value, _EXPORT_DIR.value)
    except InputError as error:
        _refuse(str(error))


if __name__ == "__main__":
    app.run(main, flags_parser=_parse)
