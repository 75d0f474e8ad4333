"""A model, its export, a run folder and picture files."""

from exports import broken, files, finished, model, run, version  # noqa: F401
