"""Where galaxies lie on a map of their latents: t-SNE."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE

__all__ = ["latent_map"]

_PERPLEXITY = 30.0


def latent_map(latents: np.ndarray) -> np.ndarray:
    """Places on a map that keeps neighbours together; distances across it mean little.

    Args:
        latents: float array (N, Z), N of 2 or more; the time grows faster than N, and 1,000 take some 7 s on one core.

    Returns:
        Float array (N, 2), without a unit; the same for the same latents.
    """
    start = "pca" if min(latents.shape) > 1 else "random"
    perplexity = min(_PERPLEXITY, (len(latents) - 1) / 3)
    return TSNE(perplexity=perplexity, init=start, random_state=0).fit_transform(latents)
