"""The galaxies nearest to one in the latent space."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.neighbors import NearestNeighbors

from etvae_tf.data.sources import ImageSource
from etvae_tf.errors import InputError
from etvae_tf.files import write_atomically
from etvae_tf.inference.drawings import draw_sheet, read_pictures

__all__ = ["find_neighbours", "nearest", "read_latents"]

_SHOWN = 15  # neighbours; with the galaxy itself two rows of pictures
_ROWS = 65_536  # of the table that are in memory


def read_latents(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Identifiers (M,) and latents (M, Z) of a table of `embed_pictures`, a part at a time; NaN where not ok."""
    for table in _chunks(path):
        own = [name for name in table.columns if re.fullmatch(r"latent_\d+", name)]
        yield table["id"].to_numpy(str), table[own].to_numpy(np.float32)


def _chunks(path: Path) -> Iterator[pd.DataFrame]:
    if path.suffix == ".csv":
        yield from pd.read_csv(path, chunksize=_ROWS, converters={"id": str})
    else:
        yield from (batch.to_pandas() for batch in pq.ParquetFile(path).iter_batches(_ROWS))


def nearest(path: Path, name: str) -> pd.DataFrame:
    """The 15 galaxies whose latents lie nearest to that of one, by Euclid's distance.

    Args:
        path: of a table of `embed_pictures`.
        name: of the galaxy.

    Returns:
        Columns rank, from 1; id; distance, in units of the prior's standard deviation. Fewer rows where the table has
        fewer galaxies.

    Raises:
        InputError: the table has no such galaxy, or its picture could not be read.
    """
    own = next((latents[ids == name] for ids, latents in read_latents(path) if name in ids), np.empty((0, 0)))
    if not len(own) or np.isnan(own).any():
        why = "its picture could not be read" if len(own) else "the table has no such galaxy"
        raise InputError(f"--neighbours_of={name} has no latent in {path}, for {why}; name another galaxy.")
    found = pd.DataFrame({"id": [], "distance": []})
    for ids, latents in read_latents(path):
        others = np.isfinite(latents).all(axis=1) & (ids != name)
        if others.any():
            search = NearestNeighbors(n_neighbors=min(_SHOWN, others.sum())).fit(latents[others])
            (distances,), (places,) = search.kneighbors(own)
            near = pd.DataFrame({"id": ids[others][places], "distance": distances})
            found = near if found.empty else pd.concat([found, near])
    found = found.sort_values("distance", kind="stable", ignore_index=True)[:_SHOWN]
    return found.assign(rank=np.arange(1, len(found) + 1))[["rank", "id", "distance"]]


def find_neighbours(path: Path, name: str, source: ImageSource, preparation: tuple[int, int, float]) -> None:
    """Prints the galaxies nearest to one, and writes them beside the table with their pictures.

    Args:
        path: of a table of `embed_pictures`.
        name: of the galaxy.
        source: of the pictures.
        preparation: image_size, channels and crop_fraction of the pictures.
    """
    found = nearest(path, name)
    target = path.with_name(f"{path.stem}_neighbours_{re.sub(r'[^A-Za-z0-9.+-]', '_', name)}")
    write_atomically(f"{target}.csv", lambda temporary: found.to_csv(temporary, index=False))
    pictures = read_pictures(source, [name, *found["id"]], preparation)
    titles = [name, *(f"{row.id}: {row.distance:.2f}" for row in found.itertuples())]
    draw_sheet(pictures, titles, f"{name} and the galaxies nearest to it in the latent space", f"{target}.png")
    print(found.to_string(index=False, float_format="{:.3f}".format))
    print(f"the {len(found)} galaxies nearest to {name} are in {target}.csv, their pictures in {target}.png")
