"""Trains, evaluates, compares, exports, applies and times ETVAEs.

python main.py --regime=two_step --n_labels=1200
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever keras.json says; Keras reads it when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # silences TensorFlow's start-up notices, not its errors

from etvae_tf.cli import run

if __name__ == "__main__":
    run()
