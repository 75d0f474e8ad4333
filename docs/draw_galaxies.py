r"""Draws the README's picture: galaxies, canonical views, reconstructions and votes by the committed model.

python docs/draw_galaxies.py --data=kaggle/solutions.csv --images=kaggle/images.zip --split=kaggle/split.csv \
    --output=docs/galaxies.png

Votes have the 90 % intervals that the model gives. The galaxies shown are the first test galaxies of the table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from etvae_tf.config import get_config
from etvae_tf.data import load_labelled, to_float
from etvae_tf.evaluation import as_shown
from etvae_tf.vote_tables import vote_table

MODEL = Path(__file__).parents[1] / "saved_models" / "etvae" / "1"
SHOWN = 6  # galaxies


def main() -> None:
    """Reads the galaxies, calls the model and draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("data", "images", "split", "output"):
        parser.add_argument(f"--{flag}", required=True)
    given = parser.parse_args()
    config = get_config()
    config.data.update({"table": given.data, "images": given.images, "split": given.split, "channels": 3})
    galaxies, questions = load_labelled(config)
    signatures = tf.saved_model.load(str(MODEL)).signatures
    galaxies = galaxies.select(np.arange(SHOWN))
    images = to_float(galaxies.images)
    outputs = {name: values.numpy() for name, values in signatures["serving_default"](images=images).items()}
    table = vote_table(galaxies.ids, outputs | {"ok": np.full(SHOWN, True)}, questions)
    rows = {
        "galaxy": images.numpy(),
        "canonical view": signatures["canonicalise"](images=images)["canonical"].numpy(),
        "reconstruction": signatures["reconstruct"](images=images)["reconstruction"].numpy(),
    }
    predicted = table[list(questions.answers)].to_numpy()
    ends = np.array([table[[f"{answer}_{end}" for answer in questions.answers]] for end in ("low", "high")])
    draw(rows, predicted, ends, questions.fractions(galaxies.votes), questions.answers).savefig(given.output, dpi=80)
    print(f"galaxies {', '.join(galaxies.ids)}")


def draw(
    rows: dict[str, np.ndarray], predicted: np.ndarray, ends: np.ndarray, voted: np.ndarray, answers: tuple[str, ...]
) -> Figure:
    """A column per galaxy: pictures (N, H, W, C) by title, then predicted and voted fractions (N, K) with `ends`."""
    figure = Figure(figsize=(1.5 * len(predicted) + 0.8, 6.0), layout="constrained")
    axes = figure.subplots(len(rows) + 1, len(predicted), squeeze=False)
    for line, (title, pictures) in zip(axes, rows.items(), strict=False):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(as_shown(picture), interpolation="bilinear")
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(title)
    height = np.arange(len(answers))[::-1]
    for column, axis in enumerate(axes[-1]):
        away = np.abs(ends[:, column] - predicted[column])
        axis.barh(height, predicted[column], color="tab:blue", alpha=0.5)
        axis.errorbar(predicted[column], height, xerr=away, fmt="none", color="tab:blue", capsize=3)
        axis.plot(voted[column], height, "o", color="tab:orange", markersize=5)
        axis.set(xlim=(0, 1), yticks=height, yticklabels=[])
        axis.tick_params(labelsize=8)
    axes[-1][0].set_yticklabels([answer.replace("_or_disk", "") for answer in answers])
    axes[-1][0].set_ylabel("votes")
    return figure


if __name__ == "__main__":
    main()
