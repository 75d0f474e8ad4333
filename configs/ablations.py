"""Which of the paper's explanations hold: one change at a time to two_step.

python main.py --mode=learning_curve --config=configs/ablations.py --workdir=RUN \
    --data=TABLE --images=FOLDER_OR_ZIP --unlabelled=FOLDER_OR_ZIP --split=CSV
"""

from ml_collections import ConfigDict

from configs import table1


def get_config() -> ConfigDict:
    """table1's two_step with pose, encoder, augmentation, views, KL weight, colour or pool changed."""
    config = table1.get_config()
    config.regime = "two_step"
    turned = {"data": {"augment_rotations": True}}
    no_pose = {"model": {"pose": {"group": "none"}}}
    with config.unlocked():
        config.curve.title = "ablations"
        config.curve.arms = {
            "as_it_is": {},
            "pose_order_1": {"model": {"pose": {"order": 1}}},
            "no_pose": no_pose,
            "turned": turned,  # pictures are turned at random in training
            "no_pose_turned": no_pose | turned,  # does the Equivariant Transformer give more than augmentation does?
            "no_views": {"train": {"view_weight": 0.0}},  # the pixels' ELBO alone
            "measures": {"train": {"measure_weight": 3e4}},  # the latent is asked for classical measures, too
            "own_outskirts": {"data": {"augment_outskirts": 0.0}},
            "encoder_frozen": {"train": {"freeze_encoder": True}},  # M1
            "kl_weight_fifth": {"train": {"kl_weight": 0.2}},
            "kl_weight_fivefold": {"train": {"kl_weight": 5.0}},
            "grey": {"data": {"channels": 1}},
            "pool_3000": {"data": {"pool_limit": 3000}},
            "pool_10000": {"data": {"pool_limit": 10000}},
            "no_pool": {"regime": "supervised"},
        }
        config.curve.means = {}
        config.curve.reference = "as_it_is"
        config.curve.n_labels = (100, 800)
    return config
