"""Caches of decoded pictures: what they hold, what they are keyed by, and what is left of killed runs."""

from __future__ import annotations

import os
import shutil
import time
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from etvae_tf.data import cache
from etvae_tf.data.cache import cached_images
from etvae_tf.data.images import open_images, read_images
from etvae_tf.errors import InputError

NAMES = ["g2", "g0", "broken", "g1", "missing"]


@pytest.fixture
def sky(tmp_path):
    """A folder of three pictures and a broken one."""
    folder = tmp_path / "sky"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        (folder / f"g{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_second_run_decodes_nothing(sky, tmp_path, monkeypatch, capsys):
    expected, readable = read_images(open_images(sky), NAMES, 16, 1, 0.7)
    for what in ("decoded once,", "read"):
        pictures, good = cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 1, 0.7)
        np.testing.assert_array_equal(pictures, expected)
        np.testing.assert_array_equal(good, readable)
        (kept,) = names(tmp_path / "cache")
        assert capsys.readouterr().out == (
            f"{sky}: 5 pictures {what} from the cache {tmp_path / 'cache' / kept}, 0.0 MB\n"
        )
        monkeypatch.setattr(cache, "read_images", lambda *_, **__: pytest.fail("decoded again"))
    assert readable.tolist() == [True, True, False, True, False]


def test_it_is_keyed_by_content_and_preparation(sky, tmp_path):
    def make(source, *preparation, of=tuple(NAMES)):
        cached_images(tmp_path / "cache", open_images(source), of, *preparation)
        return len(names(tmp_path / "cache"))

    assert make(sky, 16, 1, 0.7) == 1
    assert make(sky, 16, 3, 0.7) == 2 and make(sky, 20, 1, 0.7) == 3 and make(sky, 16, 1, 0.8) == 4
    assert make(sky, 16, 1, 0.7, of=("g0", "g1")) == 5
    moved = shutil.copytree(sky, tmp_path / "moved")
    assert make(moved, 16, 1, 0.7) == 5
    with zipfile.ZipFile(tmp_path / "sky.zip", "w") as archive:
        for path in sky.iterdir():
            archive.write(path, path.name)
    assert make(tmp_path / "sky.zip", 16, 1, 0.7) == 5
    shutil.copyfile(sky / "g1.png", sky / "g0.png")
    assert make(sky, 16, 1, 0.7) == 6


def test_a_killed_run_leaves_no_cache(sky, tmp_path, monkeypatch):
    def killed(*arguments, pictures, **keywords):
        pictures[:] = 7
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache, "read_images", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # kill -9 tidies nothing up
        with pytest.raises(KeyboardInterrupt):
            cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 1)
    (left,) = (tmp_path / "cache").iterdir()
    assert left.name.startswith(".")
    left = left.rename(left.with_suffix(".0"))  # of another process
    pictures, _ = cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 1)
    np.testing.assert_array_equal(pictures, read_images(open_images(sky), NAMES, 16, 1)[0])
    assert left.is_dir()  # it may be at work still
    os.utime(left, (time.time() - 100_000,) * 2)
    cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 3)
    assert not left.exists()


def test_two_runs_make_the_same_cache_at_once(sky, tmp_path, monkeypatch):
    def overtaken(*arguments, **keywords):
        monkeypatch.setattr(cache, "read_images", read_images)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 1)  # the other run, from start to end
        return read_images(*arguments, **keywords)

    monkeypatch.setattr(cache, "read_images", overtaken)
    pictures, _ = cached_images(tmp_path / "cache", open_images(sky), NAMES, 16, 1)
    np.testing.assert_array_equal(pictures, read_images(open_images(sky), NAMES, 16, 1)[0])
    assert len(names(tmp_path / "cache")) == 1


def test_refuses_what_is_no_folder(sky, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file cannot hold a cache of pictures .*; name another folder"):
        cached_images(tmp_path / "file", open_images(sky), NAMES, 16, 1)
    with pytest.raises(InputError, match="image_size=4"):
        cached_images(tmp_path / "cache", open_images(sky), NAMES, 4, 1)
    assert not (tmp_path / "cache").exists()
