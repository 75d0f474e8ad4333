"""Pictures: exact decoding, cropping and resizing, and every refusal."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from etvae_tf.data.images import load_images, open_images, preprocess, read_images
from etvae_tf.data.tables import read_ids
from etvae_tf.errors import InputError

LUMINANCE = (0.2989, 0.5870, 0.1140)  # ITU-R BT.601, as TensorFlow rounds it


def png(picture):
    return tf.io.encode_png(picture).numpy()


def random_picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Five pictures of different sizes and formats, and files that are none."""
    path = tmp_path / "pictures"
    path.mkdir()
    for number, (height, width) in enumerate([(32, 32), (48, 40), (64, 64), (20, 90)]):
        (path / f"g{number}.png").write_bytes(png(random_picture(height, width, seed=number)))
    (path / "g4.JPEG").write_bytes(tf.io.encode_jpeg(random_picture(50, 50)).numpy())
    (path / ".g5.png").write_bytes(b"hidden")
    (path / "notes.txt").write_text("no picture")
    return path


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"inside/{file.name}")
    return path


def test_keeps_a_picture_of_the_right_size():
    picture = random_picture(16, 16)
    np.testing.assert_array_equal(preprocess(png(picture), 16, 3), picture)


def test_grey_is_luminance():
    picture = random_picture(16, 16)
    expected = np.round(picture.astype(np.float64) @ LUMINANCE)
    np.testing.assert_allclose(preprocess(png(picture), 16, 1)[..., 0], expected, atol=1)  # float32 rounding of .5


def test_crops_the_middle():
    picture = random_picture(40, 40)
    np.testing.assert_array_equal(preprocess(png(picture), 20, 3, 0.5), picture[10:30, 10:30])
    np.testing.assert_array_equal(preprocess(png(picture[:, 5:25]), 20, 3), picture[10:30, 5:25])


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 254  # without antialiasing every second column would be lost or kept whole
    inner = preprocess(png(stripes), 16, 1).numpy()[:, 1:-1]
    np.testing.assert_allclose(inner, 127, atol=1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_takes_grey_colour_and_transparent_files_inside_a_graph(channels):
    picture = random_picture(30, 26, channels)
    result = tf.function(lambda encoded: preprocess(encoded, 24, 3))(tf.constant(png(picture)))
    assert result.shape == (24, 24, 3) and result.dtype == tf.uint8


def test_zip_equals_folder(folder, tmp_path):
    names = ["g3", "g0", "g4", "g2", "g1"]
    one, other = open_images(folder), open_images(zipped(folder, tmp_path / "pictures.zip"))
    assert one.names == other.names == ("g0", "g1", "g2", "g3", "g4")
    pictures = load_images(one, names, 32, 3)
    assert pictures.shape == (5, 32, 32, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, load_images(other, names, 32, 3))
    np.testing.assert_array_equal(pictures[1], random_picture(32, 32, seed=0))  # the order of the names


def test_zip_fingerprint_follows_content(folder, tmp_path):
    before = open_images(zipped(folder, tmp_path / "a.zip")).fingerprint
    assert open_images(zipped(folder, tmp_path / "b.zip")).fingerprint == before
    pixels = bytearray((folder / "g4.JPEG").read_bytes())
    pixels[-10] ^= 1
    (folder / "g4.JPEG").write_bytes(bytes(pixels))  # same name, same size
    assert open_images(zipped(folder, tmp_path / "c.zip")).fingerprint != before


def test_no_names_give_no_pictures(folder):
    assert load_images(open_images(folder), [], 16, 1).shape == (0, 16, 16, 1)


def test_refuses_missing_pictures(folder):
    with pytest.raises(InputError, match=r"lacks the pictures of 2 of 3 galaxies \(h1, h2\)"):
        load_images(open_images(folder), ["h1", "g0", "h2"], 16, 1)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", png(random_picture(20, 20))[:-200]], ids=["empty", "text", "cut"]
)
def test_names_the_pictures_that_cannot_be_decoded(folder, content):
    (folder / "g1.png").write_bytes(content)
    with pytest.raises(InputError, match=r"1 pictures that cannot be decoded \(g1: "):
        load_images(open_images(folder), ["g0", "g1", "g2"], 16, 1)


def test_refuses_corrupt_zips(folder, tmp_path):
    path = zipped(folder, tmp_path / "pictures.zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a readable zip"):
        open_images(path)
    damaged = bytearray(whole)
    damaged[200:260] = bytes(60)  # inside the first picture: the directory is whole, the checksum is not
    path.write_bytes(bytes(damaged))
    with pytest.raises(InputError, match=r"cannot be decoded \(g0: "):
        load_images(open_images(path), ["g0", "g1"], 16, 1)


def test_folder_fingerprint_follows_content_of_the_same_size(folder):
    before = open_images(folder).fingerprint
    path = folder / "g0.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(bytes(content))
    assert open_images(folder).fingerprint != before


def test_refuses_other_places(folder, tmp_path):
    with pytest.raises(InputError, match="no pictures at"):
        open_images(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no .jpg"):
        open_images(tmp_path / "empty")


def test_pictures_that_differ_in_their_suffix_go_by_their_full_names(folder, capsys):
    before = open_images(folder).names
    (folder / "below").mkdir()
    (other,) = folder.glob("g0.*")
    for copy in (folder / "g0.tif", folder / "below" / "g0.jpg"):
        copy.write_bytes(other.read_bytes())
    source = open_images(folder)
    assert set(source.names) == ({*before} - {"g0"}) | {other.name, "g0.tif", "below/g0"}
    assert "g0.tif differ in their suffix alone, and go by their full names" in capsys.readouterr().out
    assert source.files["g0.tif"] == "g0.tif" and source.files["below/g0"] == "below/g0.jpg"
    ids = read_ids(pd.DataFrame({"id": ["g0.tif", "below/g0.png", "g1.jpg"]}), "id", "t.csv", source.names)
    assert ids.tolist() == ["g0.tif", "below/g0", "g1"]


@pytest.mark.parametrize(
    ("image_size", "channels", "crop_fraction", "sentence"),
    [
        (4, 1, 1.0, "image_size=4"),
        (64, 2, 1.0, "channels=2"),
        (64, 1, 0.0, "crop_fraction=0.0"),
        (64, 1, 1.5, "1.5"),
    ],
)
def test_refuses_impossible_sizes(folder, image_size, channels, crop_fraction, sentence):
    with pytest.raises(InputError, match=sentence):
        load_images(open_images(folder), ["g0"], image_size, channels, crop_fraction)


def test_real_pictures(real_data):
    source = open_images(real_data / "kaggle" / "images.zip")
    assert len(source.names) == 3500
    names = source.names[:20]
    colour = load_images(source, names, 128, 3)
    np.testing.assert_array_equal(colour[7], tf.io.decode_jpeg(source.read(names[7])))
    grey = load_images(source, names, 64, 1).astype(float)
    middle, rim = grey[:, 24:40, 24:40].mean(), grey[:, :8].mean()
    assert middle > 2 * rim  # galaxies are bright in the middle


def test_finds_pictures_in_subfolders_and_names_other_files(tmp_path, capsys):
    files = ("a/x.png", "b/x.png", "b/deep/y.PNG", "z.png", "README.txt", ".hidden/z.png", "__MACOSX/z.png")
    for number, file in enumerate(files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(png(random_picture(16, 16, seed=number)))
    source = open_images(tmp_path)
    assert source.names == ("a/x", "b/x", "y", "z") and source.others == ("README.txt",)
    expected = [random_picture(16, 16, seed=number) for number in (0, 1, 2, 3)]
    np.testing.assert_array_equal(load_images(source, source.names, 16, 3), expected)
    source.tell_others()
    assert capsys.readouterr().out == f"{tmp_path}: 1 files are no pictures (README.txt)\n"


def test_tells_missing_from_readable(folder):
    (folder / "g1.png").write_bytes(b"no picture")
    pictures, readable = read_images(open_images(folder), ["g1", "absent", "g0"], 32, 3)
    assert readable.tolist() == [False, False, True] and not pictures[:2].any()
    np.testing.assert_array_equal(pictures[2], random_picture(32, 32, seed=0))
