"""What people look at: one self-contained page for a run or a study, without network and without JavaScript."""

from etvae_tf.report.folder_page import report
from etvae_tf.report.run_page import write_run_page
from etvae_tf.report.sample import Sample, sample_of_run
from etvae_tf.report.study_page import write_study_page
from etvae_tf.report.study_tables import COVERAGE, QUESTION, WIDTH, Table, bars_table, main_table, question_table

__all__ = [
    "COVERAGE",
    "QUESTION",
    "WIDTH",
    "Sample",
    "Table",
    "bars_table",
    "main_table",
    "question_table",
    "report",
    "sample_of_run",
    "write_run_page",
    "write_study_page",
]
