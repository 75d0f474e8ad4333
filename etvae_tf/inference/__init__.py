"""Pictures in; a table of predicted votes out, or of the galaxies to ask volunteers about."""

from etvae_tf.inference.acquire import acquire_galaxies
from etvae_tf.inference.predict import predict_pictures
from etvae_tf.inference.scorer import Scorer, exported_scorer, run_scorer

__all__ = ["Scorer", "acquire_galaxies", "exported_scorer", "predict_pictures", "run_scorer"]
