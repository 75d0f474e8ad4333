"""Pictures in; tables of predicted votes, of latents, of oddities and of the galaxies to ask volunteers about out."""

from etvae_tf.inference.acquire import acquire_galaxies
from etvae_tf.inference.anomaly import find_oddities
from etvae_tf.inference.embed import embed_pictures
from etvae_tf.inference.listing import Listing, list_pictures
from etvae_tf.inference.predict import predict_pictures
from etvae_tf.inference.scorer import Scorer, exported_scorer, run_scorer

__all__ = [
    "Listing",
    "Scorer",
    "acquire_galaxies",
    "embed_pictures",
    "exported_scorer",
    "find_oddities",
    "list_pictures",
    "predict_pictures",
    "run_scorer",
]
