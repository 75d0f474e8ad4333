"""A survey of grey pictures, and a model whose answers are arithmetic on their grey level."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from etvae_tf.inference import Scorer, anomaly, embedding_map, neighbours

__all__ = ["LATENTS", "Grey", "undrawn", "write_survey"]

COUNT, BROKEN = 23, 7
LATENTS = np.random.default_rng(0).normal(size=(256, 3)).astype(np.float32)
"""By grey level."""


def write_survey(folder: Path, odd: int | None = None) -> Path:
    """23 pictures g00 to g22 of grey levels 0 to 22, of which g07 cannot be read; one may have the level 200."""
    (folder / "sky").mkdir()
    for number in range(COUNT):
        level = 200 if number == odd else number
        grey = tf.io.encode_png(np.full((9, 9, 1), level, np.uint8)).numpy()
        (folder / "sky" / f"g{number:02}.png").write_bytes(b"" if number == BROKEN else grey)
    return folder / "sky"


def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sheets and maps become a line of text, for drawing takes most of the time; t-SNE takes two columns."""

    def write(pictures: np.ndarray, heading: str, path: Path) -> None:
        Path(path).write_text(f"{len(pictures)} galaxies: {heading}")

    for module in (anomaly, neighbours):
        monkeypatch.setattr(module, "draw_sheet", lambda pictures, titles, *rest: write(pictures, *rest))
    monkeypatch.setattr(embedding_map, "draw_map", lambda places, *rest: write(*rest))
    monkeypatch.setattr(embedding_map, "latent_map", lambda latents: latents[:, :2])


@dataclass
class Grey:
    """Latents by grey level; the canonical picture is the negative, the ELBO minus the level.

    It dies in the batch that begins with the level `dies_at`.
    """

    folder: Path
    dies_at: int | None = None
    decoder: bool = True
    weights: bytes = b"weights"
    seen: list[int] = field(default_factory=list)

    def scorer(self) -> Scorer:
        (self.folder / "model").mkdir(exist_ok=True)
        (self.folder / "model" / "model.keras").write_bytes(self.weights)
        signatures = {"serving_default": self._default, "canonicalise": self._canonicalise}
        if self.decoder:
            signatures["reconstruct"] = lambda images: {"elbo": -255 * images[:, 0, 0, 0]}
        return Scorer(self.folder / "model", ["bright", "dark"], signatures, (8, 1, 1.0), None)

    def _default(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        levels = np.round(255 * images.numpy()[:, 0, 0, 0]).astype(int)
        if levels[0] == self.dies_at:
            raise RuntimeError("killed")
        self.seen += levels.tolist()
        return {"latent_mean": tf.constant(LATENTS[levels]), "pose_angle": images[:, 0, 0, 0]}

    def _canonicalise(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"canonical": 1 - images, "pose_angle": images[:, 0, 0, 0]}
