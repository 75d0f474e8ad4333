"""Semi-supervised galaxy morphology with an Equivariant-Transformer VAE.

Importing the package registers its layers and models with Keras, so that `keras.saving.load_model` knows them.
"""

import os
import sys

if sys.argv[:1] == ["-m"]:  # `python -m etvae_tf` is a program, as main.py is: Keras and TensorFlow are its own
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # silences TensorFlow's start-up notices, not its errors

# TensorFlow chooses its faster CPU kernels (oneDNN) by itself only where the CPU has AVX-512 VNNI; with AVX2 they are a
# third faster here, too. It reads this once, when it is first imported, so an earlier import leaves it as it is.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

from etvae_tf.compat import require_tensorflow_backend

require_tensorflow_backend()  # before the first layer: elsewhere it would end in the other backend's words

from etvae_tf.models import ETVAE, build_model  # noqa: E402

__all__ = ["ETVAE", "build_model"]
