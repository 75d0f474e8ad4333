"""Progress: plain lines in a log file, a bar on a terminal."""

from __future__ import annotations

import sys

import keras

import etvae_tf.progress
from etvae_tf.progress import progress


def test_a_log_file_gets_plain_lines(monkeypatch, capsys):
    clock = iter([0.0, 4.0, 10.0, 12.0, 30.0, 40.0])  # seconds at the start and at each `add`
    monkeypatch.setattr(etvae_tf.progress.time, "perf_counter", lambda: next(clock))
    bar = progress(100, "picture")
    for count in (10, 30, 5, 15, 40):
        bar.add(count)
    assert capsys.readouterr().out.splitlines() == [
        "40 of 100 pictures, 4 a second, 15 s left",
        "60 of 100 pictures, 2 a second, 20 s left",
        "100 pictures in 40 s, 2 a second",
    ]


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    bar = progress(3, "picture")
    assert isinstance(bar, keras.utils.Progbar)
    bar.add(3)
    assert "3/3" in capsys.readouterr().out
