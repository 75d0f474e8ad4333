"""Semi-supervised galaxy morphology with an Equivariant-Transformer VAE.

Importing the package registers its layers and models with Keras, so that `keras.saving.load_model` knows them.
"""

from etvae_tf.models import ETVAE, build_model

__all__ = ["ETVAE", "build_model"]
