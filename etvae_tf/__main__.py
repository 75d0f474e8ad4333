"""Trains, evaluates, compares, exports, applies and times ETVAEs.

python -m etvae_tf --regime=two_step --n_labels=1200
"""

from etvae_tf.cli import run

if __name__ == "__main__":
    run()
