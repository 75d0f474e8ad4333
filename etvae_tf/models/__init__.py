"""The ETVAE and its three parts: encoder, decoder, classifier."""

from etvae_tf.models.build import build_model
from etvae_tf.models.classifier import Classifier
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder, Posterior
from etvae_tf.models.etvae import ETVAE

__all__ = ["ETVAE", "Classifier", "Decoder", "Encoder", "Posterior", "build_model"]
