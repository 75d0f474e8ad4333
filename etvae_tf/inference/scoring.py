"""Pictures are read, decoded and scored at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from etvae_tf.data.sources import ImageSource
from etvae_tf.inference.scorer import Scorer
from etvae_tf.serving.decoding import decode_files, predict_decoded
from etvae_tf.vote_tables import score_batches

__all__ = ["BATCH", "picture_outputs", "score_pictures"]

BATCH = 64  # pictures scored at once
_AHEAD = 2  # batches that are read, and decoded, before the model is ready for them


def score_pictures(
    scorer: Scorer, source: ImageSource, names: Sequence[str], n_votes: int | None = None
) -> Iterator[pd.DataFrame]:
    """Votes of pictures, a batch at a time: reading runs ahead, so that neither files nor rows pile up.

    Args:
        scorer: the trained model.
        source: where the pictures lie.
        names: of the pictures; there need not be one of each.
        n_votes: see `vote_table`.

    Yields:
        See `score_batches`, rows in the order of `names`.
    """
    batches = picture_outputs(scorer.decoded, scorer.preparation, source, names)
    return score_batches(lambda output: output, batches, scorer.questions, source.why_unreadable, n_votes)


def picture_outputs(
    function: Callable[..., dict[str, tf.Tensor]],
    preparation: tuple[int, int, float],
    source: ImageSource,
    names: Sequence[str],
) -> Iterator[tuple[Sequence[str], dict[str, np.ndarray]]]:
    """What a function says of pictures, a batch at a time; reading runs ahead.

    Args:
        function: takes `images`, float32 (B, H, W, C) in [0, 1], and gives float tensors (B,) or (B, D).
        preparation: image_size, channels and crop_fraction of those pictures.
        source: where the pictures lie.
        names: of the pictures; there need not be one of each.

    Yields:
        Names and outputs of one batch, see `predict_files`, in the order of `names`.
    """

    def batch_names(start: int) -> Sequence[str]:
        return names[start : start + BATCH]

    def read(start: np.ndarray) -> np.ndarray:
        return np.array([source.read(name) for name in batch_names(int(start))], object)

    def files(start: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(read, [start], tf.string), [None])

    def decode(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return decode_files(encoded, *preparation)

    starts = range(0, len(names), BATCH)
    options = tf.data.Options()
    options.autotune.enabled = False  # nothing here is tuned, and its thread may take a second to end
    batches = tf.data.Dataset.range(0, len(names), BATCH).map(files).prefetch(_AHEAD)
    decoded = batches.map(decode).prefetch(_AHEAD).with_options(options)
    scored = (predict_decoded(function, *batch) for batch in decoded)  # while the next ones are decoded
    outputs = ({name: values.numpy() for name, values in one.items()} for one in scored)
    return zip(map(batch_names, starts), outputs, strict=True)
