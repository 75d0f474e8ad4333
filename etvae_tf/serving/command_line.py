"""Commands of this folder: flags in, one sentence and exit code 2 for whatever is wrong with what the user gave."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

from etvae_tf.errors import InputError

__all__ = ["run_command"]


def run_command(name: str, define_flags: Callable[[], None], main: Callable[[flags.FlagValues], None]) -> None:
    """Parses the command line, calls `main` and exits.

    Args:
        name: of the command, for its errors.
        define_flags: defines its flags; called here, for a library must not define flags when it is imported.
        main: receives the flags.
    """

    def refuse(sentence: str) -> NoReturn:
        print(f"{name}: error: {' '.join(sentence.split())}", file=sys.stderr)
        sys.exit(2)

    def parse(arguments: list[str]) -> list[str]:
        try:
            rest = flags.FLAGS(arguments)
        except flags.Error as error:
            refuse(str(error))
        if len(rest) > 1:
            refuse(f"unexpected argument {rest[1]!r}; flags are written --name=value, see --help.")
        return rest

    def call(_: list[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        try:
            main(flags.FLAGS)
        except InputError as error:
            refuse(str(error))

    define_flags()
    app.run(call, flags_parser=parse)
