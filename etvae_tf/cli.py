"""The command line: flags -> one config -> one call. `modes` says which flags a mode uses; any other is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from absl import app, flags, logging
from ml_collections import config_flags

from etvae_tf import config as default
from etvae_tf.errors import InputError
from etvae_tf.inference.strategies import STRATEGIES
from etvae_tf.modes import MODES, REAL_FIELDS, SHORT, SYNTHETIC_FIELDS, Mode

__all__ = ["run"]

_STRINGS = {  # flag -> help
    "regime": "supervised, alternating or two_step.",
    "workdir": "Run folder; default runs/REGIME_nN_LABELS_seedSEED_DATA. Of predict, embed, anomaly and acquire: the "
    "run whose model is asked.",
    "export_dir": "Folder of exported models, one version 1, 2, ... each; default saved_models/etvae.",
    "data": "Table with votes (CSV, Parquet, Feather, FITS, VOTable); synthetic galaxies where there is none. "
    "Of predict, embed, anomaly and acquire: the galaxies to look at.",
    "images": "Folder (with subfolders) or zip with the pictures, named ID.jpg (or PNG, TIFF, WebP, GIF, BMP, "
    "JPEG 2000, AVIF, FITS). "
    "Left out where the table's column file_loc has their paths.",
    "unlabelled": "Folder or zip with more pictures, learnt from without labels.",
    "split": "CSV with columns id, split (train or test); default a hash of the id. Of evaluate: score test alone.",
    "cache_dir": "Folder that keeps decoded pictures for the next run, which then decodes none.",
    "init": "Run folder or exported version whose weights and sizes training starts from, instead of pre-training.",
    "output": "Table that predict, embed, anomaly or acquire writes, .csv or .parquet.",
    "neighbours_of": "Identifier of a galaxy; embed also writes those that are nearest to it in the latent space.",
    "strategy": f"How acquire chooses: {', '.join(STRATEGIES)}; typical for the first labels, when no votes are known.",
    "json": "File that benchmark writes all its numbers to.",
}


class _Count(flags.IntegerParser):
    """A number, or all, which is 0."""

    def convert(self, argument: str | int) -> int:
        return 0 if argument == "all" else super().convert(argument)


def run() -> None:
    """Parses the command line, makes the one call and exits; what is wrong is one sentence and exit code 2."""
    flags.disclaim_key_flags()  # --help shows them as the program's own
    _define_flags(flags.FLAGS)
    app.run(lambda _: _call(flags.FLAGS), flags_parser=_parse)


def _define_flags(values: flags.FlagValues) -> None:
    modes = "; ".join(f"{name}: {mode.does}" for name, mode in MODES.items())
    flags.DEFINE_enum("mode", "train", list(MODES), f"{modes}.", values)
    for path in _given_configs():  # presets build on others beside them
        sys.path.append(str(Path(path).resolve().parent.parent))
    try:  # the config is read here, with its overrides
        config_flags.DEFINE_config_file(
            "config", default.__file__, "File of a preset; --config.FIELD=VALUE overrides a field.", values
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _refuse(f"in a --config flag: {error}")
    for flag, meaning in _STRINGS.items():
        flags.DEFINE_string(flag, None, meaning, values)
    flags.DEFINE(
        _Count(), "n_labels", None, "Labelled galaxies in all, validation included; 0 or all: every one.", values
    )
    flags.DEFINE_integer("seed", None, "Of weights, labels drawn, data order and noise.", flag_values=values)
    flags.DEFINE_integer("n_galaxies", None, "How many galaxies acquire chooses.", flag_values=values)
    flags.DEFINE_integer(
        "n_votes",
        None,
        "Votes on a galaxy that predict's columns _std, _low and _high are of; default the training table's mean.",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "include_learnt", False, "evaluate also scores galaxies that the run learnt from, and marks them.", values
    )
    flags.DEFINE_boolean("canonical", True, "embed also writes the pictures turned upright, as an NPZ file.", values)
    flags.DEFINE_boolean(
        "planted", False, "anomaly plants faults into whole pictures and tells how well each score finds them.", values
    )


def _given_configs() -> list[str]:
    """Files named by --config=FILE or --config FILE."""
    words = [word.removeprefix("-").removeprefix("-") for word in sys.argv[1:]]
    named = [word.removeprefix("config=") for word in words if word.startswith("config=")]
    return named + [following for word, following in zip(words, words[1:], strict=False) if word == "config"]


def _parse(arguments: list[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Parses flags, and refuses those that the mode does not use."""
    try:
        rest = values(_quoted(arguments))
        values.config["regime"]  # absl keeps an unreadable config file to itself until a field is asked for
    except (flags.Error, AttributeError, ImportError, KeyError, SyntaxError, TypeError, ValueError, OSError) as error:
        _refuse(str(error))
    if len(rest) > 1:
        _refuse(f"unexpected argument {rest[1]!r}; flags are written --name=value, see --help.")
    _refuse_unused(values)
    return rest


def _refuse_unused(values: flags.FlagValues) -> None:
    mode = MODES[values.mode]
    own = (*_STRINGS, "n_galaxies", "n_votes", "include_learnt", "canonical", "planted", "config", "n_labels", "seed")
    fields = list(values["config"].override_values)
    unused = [flag for flag in own if values[flag].present and flag not in mode.flags]
    unused += [f"config.{field}" for field in fields if not mode.uses(field)]
    if unused:
        _refuse(
            f"--mode={values.mode} does not use --{unused[0]}; leave it out. It uses "
            f"{', '.join(f'--{flag}' for flag in mode.flags)}{_fields_in_words(mode)}."
        )
    for flag, field in SHORT.items():
        if values[flag].present and field in fields:
            _refuse(f"--{flag} and --config.{field} are the same; leave one out.")
    if "output" in mode.flags and values.workdir and values.export_dir:
        _refuse(f"--workdir and --export_dir both name a model to {values.mode} with; leave one out.")
    if values.mode in ("train", "learning_curve", "acquisition_study"):
        table = values.data or values.config.data.table
        idle = [field for field in fields if field in (SYNTHETIC_FIELDS if table else REAL_FIELDS)]
        if idle:
            which = "synthetic galaxies, but --data names real ones" if table else "a table, but there is no --data"
            _refuse(f"--config.{idle[0]} is of {which}; leave one out.")


def _fields_in_words(mode: Mode) -> str:
    """The fields that a mode uses beside those of its flags, for the end of a list."""
    if "config" in mode.flags:
        without = f" but {', '.join(mode.unused)}" if mode.unused else ""
        return f" and --config.FIELD of every field{without}" if mode.fields == ("",) else " and --config.FIELD"
    return "".join(f", --config.{field}" for field in mode.fields)


def _call(values: flags.FlagValues) -> None:
    """The one call that the flags ask for."""
    logging.set_verbosity(logging.WARNING)
    config = values.config
    given = dict(values["config"].override_values)
    given |= {field: values[flag].value for flag, field in SHORT.items() if values[flag].present}
    config.update_from_flattened_dict(given)
    try:
        MODES[values.mode].call(config, given, values)
    except InputError as error:
        _refuse(str(error))


def _quoted(arguments: list[str]) -> list[str]:
    """Lists of names as the config reads them: a,b,c becomes ('a', 'b', 'c'), for a name alone may be no Python."""
    quoted, names = list(arguments), ("config.data.answer_columns", "config.data.questions")
    for place, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag.lstrip("-") in names and equals:
            quoted[place] = f"{flag}={_columns(value)}"
        elif arguments[place - 1].lstrip("-") in names:
            quoted[place] = _columns(word)
    return quoted


def _columns(written: str) -> str:
    if written[:1] in ("", "(", "[", "'", '"'):
        return written
    return repr(tuple(column.strip() for column in written.split(",")))


def _refuse(sentence: str) -> NoReturn:
    program = Path(sys.argv[0]).name.replace("__main__.py", "etvae_tf")
    lines = sentence.replace("\\n", " ").split("\n- ")  # several problems stand on a line each
    print(f"{program}: error: " + "\n- ".join(" ".join(line.split()) for line in lines), file=sys.stderr)
    sys.exit(2)
