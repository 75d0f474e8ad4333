"""The page of a trained run or of a study, drawn again: what `python main.py --mode=report` does."""

from __future__ import annotations

from pathlib import Path

from etvae_tf.errors import InputError
from etvae_tf.report.run_page import write_run_page
from etvae_tf.report.sample import sample_of_run
from etvae_tf.report.study_page import is_study, write_study_page
from etvae_tf.training import finished_run

__all__ = ["report"]


def report(workdir: str | None) -> Path:
    """Writes report.html into the folder of a run or of a study.

    What a run does not keep, its galaxies' pictures and latents, is made again from its model and the data that its
    config names. Where these are gone, the page says so and shows the rest.

    Args:
        workdir: folder of a finished run, or of a study with at least one.

    Returns:
        Path of the page.

    Raises:
        InputError: no folder given, or it holds neither.
    """
    if not workdir:
        raise InputError("--mode=report draws the page of a run or a study; add --workdir=RUN_OR_STUDY.")
    if is_study(Path(workdir)):
        page = write_study_page(Path(workdir))
    else:
        run = finished_run(workdir)
        try:
            page = write_run_page(run, sample_of_run(run))
        except InputError as error:
            print(f"without pictures: {error}")
            page = write_run_page(run, str(error))
    print(f"the report is {page}")
    return page
