"""Progress: plain lines in a log file, one line written over on a terminal."""

from __future__ import annotations

import sys

import pytest

import etvae_tf.progress
from etvae_tf.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Sets the seconds at the start and at each `add`."""

    def set_to(*seconds: float) -> None:
        times = iter(seconds)
        monkeypatch.setattr(etvae_tf.progress.time, "perf_counter", lambda: next(times))

    return set_to


def test_a_log_file_gets_plain_lines(clock, capsys):
    clock(0.0, 4.0, 10.0, 12.0, 30.0, 40.0)
    bar = Progress(100, "picture")
    for count in (10, 30, 5, 15, 40):
        bar.add(count)
    assert capsys.readouterr().out.splitlines() == [
        "40 of 100 pictures, 4 a second, 15 s left",
        "60 of 100 pictures, 2 a second, 20 s left",
        "100 pictures in 40 s, 2 a second",
    ]


def test_what_was_done_before_counts_neither_for_rate_nor_time(clock, capsys):
    clock(0.0, 100.0, 7400.0)
    bar = Progress(1_000_000, "picture", done=900_000)
    bar.add(1000)
    bar.add(99_000)
    assert capsys.readouterr().out.splitlines() == [
        "901000 of 1000000 pictures, 10 a second, 2:45:00 left",
        "1000000 pictures in 2:03:20, 14 a second",
    ]


def test_a_terminal_gets_one_line(clock, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    clock(0.0, 1.0, 1.1, 2.0)
    bar = Progress(4, "picture")
    for count in (1, 1, 2):
        bar.add(count)
    assert capsys.readouterr().out == (
        "\r\x1b[K1 of 4 pictures, 1 a second, 3 s left\r\x1b[K4 pictures in 2 s, 2 a second\n"
    )
