"""Pictures in, a table of predicted votes out."""

from etvae_tf.inference.predict import predict_pictures
from etvae_tf.inference.scorer import Scorer, exported_scorer, run_scorer

__all__ = ["Scorer", "exported_scorer", "predict_pictures", "run_scorer"]
