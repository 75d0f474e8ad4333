"""A map of the latent space by t-SNE, on which galaxies stand as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from etvae_tf.data import draw_pool
from etvae_tf.evaluation import latent_map
from etvae_tf.inference.drawings import draw_map, read_pictures
from etvae_tf.inference.listing import Listing
from etvae_tf.inference.neighbours import read_latents

__all__ = ["map_latents"]

_MAPPED = 2000  # galaxies at most: t-SNE of them takes some ten seconds on two cores
_FEWEST = 10  # of which a map says something


def map_latents(path: Path, listing: Listing, preparation: tuple[int, int, float], drawn: Path) -> None:
    """Draws galaxies of a table where t-SNE puts their latents; at most 2,000, drawn by a hash of their names.

    Args:
        path: of a table of `embed_pictures`.
        listing: its pictures, in the order of its rows.
        preparation: image_size, channels and crop_fraction of the pictures.
        drawn: path of the PNG.
    """
    chosen = draw_pool(np.array(listing.names, str), _MAPPED)
    latents, start = [], 0
    for _, part in read_latents(path):
        rows = chosen[(chosen >= start) & (chosen < start + len(part))] - start
        latents.append(part[rows])
        start += len(part)
    latents = np.concatenate(latents)
    known = np.isfinite(latents).all(axis=1)
    if known.sum() < _FEWEST:
        print(f"no map was drawn, for it takes {_FEWEST} galaxies and {known.sum()} could be read")
        return
    latents, names = latents[known], [listing.names[row] for row in chosen[known]]
    print(f"t-SNE of {len(latents)} galaxies ...", flush=True)
    places = latent_map(latents)
    heading = f"t-SNE of the latents of {len(latents)} galaxies"
    if len(chosen) < len(listing.names):
        heading += f" of {len(listing.names)}, drawn by a hash of their names"
    draw_map(places, read_pictures(listing.source, names, preparation), heading, drawn)
    print(f"the map is in {drawn}")
