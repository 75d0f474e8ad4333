"""Pictures in; tables of predicted votes, of latents and of oddities out."""

from etvae_tf.inference.anomaly import find_oddities
from etvae_tf.inference.embed import embed_pictures
from etvae_tf.inference.listing import Listing, list_pictures
from etvae_tf.inference.predict import predict_pictures
from etvae_tf.inference.scorer import Scorer, exported_scorer, run_scorer

__all__ = [
    "Listing",
    "Scorer",
    "embed_pictures",
    "exported_scorer",
    "find_oddities",
    "list_pictures",
    "predict_pictures",
    "run_scorer",
]
