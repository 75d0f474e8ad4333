"""The ETVAE and its three parts: encoder, decoder, vote head."""

from etvae_tf.models.build import BUILD_FIELDS, build_model
from etvae_tf.models.decoder import Decoder
from etvae_tf.models.encoder import Encoder, Posterior
from etvae_tf.models.etvae import ETVAE
from etvae_tf.models.vote_head import VoteHead
from etvae_tf.models.weights import assign_weights, named_weights, read_config, read_weights, write_weights

__all__ = [
    "BUILD_FIELDS",
    "ETVAE",
    "Decoder",
    "Encoder",
    "Posterior",
    "VoteHead",
    "assign_weights",
    "build_model",
    "named_weights",
    "read_config",
    "read_weights",
    "write_weights",
]
