"""Classical morphology of pictures, without labels, and the baseline that learns votes from it."""

from etvae_tf.measures.gaussian_process import GaussianProcess
from etvae_tf.measures.measure import measure, measure_centre

__all__ = ["GaussianProcess", "measure", "measure_centre"]
