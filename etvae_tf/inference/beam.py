"""Votes of pictures on many machines: what `--mode=predict` does, as a pipeline of Apache Beam.

python -m etvae_tf.inference.beam --images=FOLDER_OR_ZIP --output=votes.parquet --export_dir=saved_models/etvae \
    --runner=FnApiRunner --direct_num_workers=2 --direct_running_mode=multi_processing

The table comes in pieces, votes-00000-of-00004.parquet ..., with its rows in any order. Flags beside --images, --data,
--id_column, --output, --export_dir, --crop_fraction and --n_votes are Beam's own. Pictures may lie wherever Beam reads
(gs://, s3://, hdfs://); a zip, the table that lists them and the model must be files of every worker.
"""

from __future__ import annotations

import argparse
import csv
import functools
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from etvae_tf.data import Questions
from etvae_tf.data.decode import UnreadableError
from etvae_tf.data.picture_files import find_pictures
from etvae_tf.data.sources import DAMAGED, MISSING, ImageSource, open_images, read_picture
from etvae_tf.errors import InputError
from etvae_tf.inference.listing import Listing, given_names, list_galaxies, list_pictures
from etvae_tf.inference.scorer import Scorer, exported_scorer
from etvae_tf.serving.export import describe, described_questions, newest_version
from etvae_tf.serving.warmup import read_signatures
from etvae_tf.vote_tables import check_n_votes, vote_table

try:
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.ml.inference.base import KeyedModelHandler, PredictionResult, RunInference
    from apache_beam.ml.inference.tensorflow_inference import ModelType, TFModelHandlerNumpy
    from apache_beam.options.pipeline_options import PipelineOptions
except ImportError as error:
    raise InputError(f"this needs Apache Beam ({error}); run pip install 'etvae_tf[beam]'.") from error

__all__ = ["Pictures", "VotesOfPictures", "main"]

_BATCH = 64  # pictures scored at once
_Picture = tuple[tuple[str, str, list[Any]], bytes]  # (name, why it cannot be read, what it carries along), file
_Votes = tuple[tuple[str, str, list[Any]], PredictionResult]


class Pictures(NamedTuple):
    """Which pictures are scored, as `list_pictures` takes it.

    Args:
        images: folder or zip; a folder of Beam's file systems, too.
        table: of the galaxies to score, there on every worker; all pictures without.
        id_column: of that table; empty to take the one that matches most picture names.
    """

    images: str | None
    table: str | None = None
    id_column: str = ""


class VotesOfPictures(beam.PTransform):
    """`Pictures` become rows of a table of votes.

    Args:
        export_dir: folder of exported versions, whose newest answers; there on every worker.
        crop_fraction: central part of a picture that is kept, in (0, 1]; the model's own where it is None.
        n_votes: see `vote_table`.
        others: columns that the pictures carry along, by the names that they have in the listing.

    Raises:
        InputError: no exported model there.
    """

    def __init__(
        self,
        export_dir: str,
        crop_fraction: float | None = None,
        n_votes: int | None = None,
        others: pa.Schema | None = None,
    ):
        super().__init__()
        self._n_votes, self._others = n_votes, others or pa.schema([])
        self._export_dir, self._crop_fraction = export_dir, crop_fraction
        version = newest_version(export_dir)
        self.questions = described_questions(describe(version))
        self._gives_novelty = "novelty" in read_signatures(version)["predict_bytes"].outputs

    def expand(self, pictures: beam.PCollection[Pictures]) -> beam.PCollection[dict[str, Any]]:
        """Rows by the columns of `predict_pictures`."""
        handler = TFModelHandlerNumpy(
            self._export_dir,
            ModelType.SAVED_WEIGHTS,  # SAVED_MODEL is read by Keras, which reads no signatures
            functools.partial(_Model, self._crop_fraction),
            inference_fn=_predict,
            max_batch_size=_BATCH,
        )
        return (
            pictures
            | "List" >> beam.FlatMap(_list_files)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_Read())
            | "Score" >> RunInference(KeyedModelHandler(handler))
            | "Batch" >> beam.BatchElements(_BATCH, _BATCH)
            | "Rows" >> beam.FlatMap(_rows, self.questions, self._n_votes, self._others.names)
        )

    @property
    def schema(self) -> pa.Schema:
        """Of the rows, as Parquet has it."""
        none = np.zeros((0, len(self.questions.answers)), np.float32)
        votes = {"vote_fractions": none, "vote_concentration": none, "n_votes": none}
        outputs = {**votes, "pose_angle": none[:, 0], "ok": none[:, 0] > 0}
        if self._gives_novelty:
            outputs["novelty"] = none[:, 0]
        numbers = pa.Schema.from_pandas(vote_table([], outputs, self.questions), preserve_index=False)
        own = [pa.field("id", pa.string()), *(field for field in numbers if field.name != "id")]
        own.append(pa.field("reason", pa.string()))
        names = given_names([field.name for field in own], self._others.names)
        return pa.schema([*own, *(field.with_name(name) for field, name in zip(self._others, names, strict=True))])


class _Model:
    """What Beam's handler asks for its weights, and then for predictions."""

    def __init__(self, crop_fraction: float | None):
        self._crop_fraction = crop_fraction
        self.scorer: Scorer | None = None

    def load_weights(self, export_dir: str) -> None:
        self.scorer = exported_scorer(export_dir, self._crop_fraction)


def _predict(model: _Model, batch: Sequence[bytes], arguments: dict[str, Any], model_id: str | None) -> Iterable:
    """The outputs of `predict_bytes` for each file of a batch."""
    outputs = model.scorer.predict(list(batch))
    kept = ("vote_fractions", "vote_concentration", "n_votes", "pose_angle", "novelty", "ok")
    for place in range(len(batch)):
        yield PredictionResult(b"", {name: outputs[name][place] for name in kept if name in outputs}, model_id)


def _rows(
    votes: Sequence[_Votes], questions: Questions, n_votes: int | None, others: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Rows of the table by column."""
    names, reasons, carried = zip(*(key for key, _ in votes), strict=True)
    outputs = {name: np.stack([one.inference[name] for _, one in votes]) for name in votes[0][1].inference}
    table = vote_table(names, outputs, questions, n_votes)
    table["reason"] = ["" if ok else why or DAMAGED for ok, why in zip(table["ok"], reasons, strict=True)]
    others = given_names(table.columns, others)
    for row, beside in zip(table.to_dict("records"), carried, strict=True):
        yield {**row, **dict(zip(others, beside, strict=True))}


def _list(pictures: Pictures) -> Listing:
    """As `list_pictures`; of a folder of Beam's file systems, paths as it has them."""
    images, table, id_column = pictures
    if "://" not in (images or ""):
        return list_pictures(images, table, id_column)
    (found,) = FileSystems.match([f"{images.rstrip('/')}/**"])
    start = len(images.rstrip("/")) + 1
    files, others = find_pictures(Path(images), [one.path[start:] for one in found.metadata_list])
    source = ImageSource(Path(images), files, others, _reader(images), hash, hash)  # nothing asks for checksums
    source.root = images  # a Path would lose one of its slashes
    return list_galaxies(source, table, id_column) if table else Listing(source, source.names, pd.DataFrame())


def _list_files(pictures: Pictures) -> Iterator[tuple[str, str, str, list[Any]]]:
    """(folder or zip, name, file or nothing, what is carried along)."""
    source, names, others = _list(pictures)
    places = ((str(source.root), str(name), source.files.get(name, "")) for name in names)
    if others.empty:
        return ((*place, []) for place in places)
    batches = pa.Table.from_pandas(others, preserve_index=False).to_batches(_BATCH)
    rows = (list(row.values()) for batch in batches for row in batch.to_pylist())
    return ((*place, row) for place, row in zip(places, rows, strict=True))


class _Read(beam.DoFn):
    """What `_list_files` gives becomes ((name, reason, what is carried along), picture); a zip is opened once."""

    def process(self, element: tuple[str, str, str, list[Any]]) -> Iterator[_Picture]:
        """Empty bytes and the reason for what cannot be read."""
        folder, name, file, others = element
        try:
            if not file:
                raise UnreadableError(MISSING)
            yield (name, "", others), read_picture(_reader(folder), file)
        except (UnreadableError, InputError) as error:
            yield (name, str(error), others), b""


@functools.lru_cache(maxsize=4)
def _reader(folder: str) -> Any:
    """What reads a file of a folder or zip."""
    if "://" in folder:
        return lambda file: FileSystems.open(f"{folder.rstrip('/')}/{file}").read()
    if Path(folder).is_dir():
        return lambda file: Path(folder, file).read_bytes()
    return open_images(folder).read_file


def _as_csv(values: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow("" if value != value else value for value in values)
    return line.getvalue().rstrip("\r\n")


def _split_output(output: str) -> tuple[str, str]:
    """Prefix and ending of the table's pieces."""
    prefix, dot, ending = output.rpartition(".")
    if ending not in ("csv", "parquet"):
        raise InputError(f"--output={output} ends in {dot + ending!r}, but .csv or .parquet was expected.")
    (found,) = FileSystems.match([f"{prefix}-*-of-*.{ending}"])
    if found.metadata_list:
        raise InputError(f"{found.metadata_list[0].path} exists; remove it, or choose another --output.")
    return prefix, dot + ending


def _write(rows: beam.PCollection[dict[str, Any]], prefix: str, ending: str, schema: pa.Schema) -> None:
    if ending == ".parquet":
        rows | "Write" >> beam.io.WriteToParquet(prefix, schema, file_name_suffix=ending)
    else:
        lines = rows | "As CSV" >> beam.Map(lambda row: _as_csv(row.values()))
        lines | "Write" >> beam.io.WriteToText(prefix, file_name_suffix=ending, header=_as_csv(schema.names))


def _run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m etvae_tf.inference.beam", allow_abbrev=False)
    parser.add_argument("--images", help="folder or zip of pictures")
    parser.add_argument("--data", help="table of the galaxies to score, whose other columns are carried along")
    parser.add_argument("--id_column", default="", help="of that table; default the one that matches picture names")
    parser.add_argument("--output", required=True, help="name of the table, .csv or .parquet, which comes in pieces")
    parser.add_argument("--export_dir", required=True, help="folder of exported models, whose newest answers")
    parser.add_argument("--crop_fraction", type=float, help="central part of the pictures; default the model's own")
    parser.add_argument("--n_votes", type=int, help="votes that _std, _low and _high are of; default the training mean")
    values, rest = parser.parse_known_args(arguments)
    options = PipelineOptions(rest)
    unknown = set(options.get_all_options(retain_unknown_options=True)) - set(options.get_all_options())
    if unknown:
        raise InputError(f"neither Beam nor this command has a flag --{sorted(unknown)[0]}; leave it out.")
    check_n_votes(values.n_votes)
    prefix, ending = _split_output(values.output)
    exported_scorer(values.export_dir, values.crop_fraction)
    pictures = Pictures(values.images, values.data, values.id_column)
    listing = _list(pictures)  # refused here, and not by every worker
    listing.source.tell_others()
    others = pa.Schema.from_pandas(listing.others, preserve_index=False)
    votes = VotesOfPictures(values.export_dir, values.crop_fraction, values.n_votes, others)
    with beam.Pipeline(options=options) as pipeline:
        _write(pipeline | beam.Create([pictures]) | votes, prefix, ending, votes.schema)


def main() -> None:
    """Scores by the flags of the command line; ends with one sentence and exit code 2 where they are wrong."""
    try:
        _run(sys.argv[1:])
    except InputError as error:
        print(f"beam: error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    from etvae_tf.inference import beam as module  # workers do not find what stands in __main__

    module.main()
