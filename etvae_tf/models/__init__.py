"""The ETVAE and its three parts: encoder, decoder, vote head."""

from etvae_tf.models.build import build_model
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder, Posterior
from etvae_tf.models.etvae import ETVAE
from etvae_tf.models.vote_head import VoteHead

__all__ = ["ETVAE", "Decoder", "Encoder", "Posterior", "VoteHead", "build_model"]
