"""Galaxies in: catalogues, pictures and their copies, seeded splits, tf.data pipelines and synthetic galaxies."""

from etvae_tf.data.catalogue import Catalogue, read_catalogue
from etvae_tf.data.copies import are_copies, hashes_from_text, hashes_to_text, picture_hashes
from etvae_tf.data.galaxies import Galaxies, GalaxyData, Survey
from etvae_tf.data.images import ImageSource, load_images, open_images, preprocess, to_float
from etvae_tf.data.load import data_fingerprints, draw_data, load_data, load_labelled, load_survey, open_labelled
from etvae_tf.data.pipeline import batches, evaluation_batches
from etvae_tf.data.questions import Question, Questions, named_questions
from etvae_tf.data.splits import draw_labels, draw_pool, fold_mask, hash_split, read_split, validation_mask
from etvae_tf.data.synthetic import SyntheticGalaxies, synthesise

__all__ = [
    "Catalogue",
    "Galaxies",
    "GalaxyData",
    "ImageSource",
    "Question",
    "Questions",
    "Survey",
    "SyntheticGalaxies",
    "are_copies",
    "batches",
    "data_fingerprints",
    "draw_data",
    "draw_labels",
    "draw_pool",
    "evaluation_batches",
    "fold_mask",
    "hash_split",
    "hashes_from_text",
    "hashes_to_text",
    "load_data",
    "load_images",
    "load_labelled",
    "load_survey",
    "named_questions",
    "open_images",
    "open_labelled",
    "picture_hashes",
    "preprocess",
    "read_catalogue",
    "read_split",
    "synthesise",
    "to_float",
    "validation_mask",
]
