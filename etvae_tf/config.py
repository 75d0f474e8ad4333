"""Every field of a run, with its meaning, unit and source. The presets in `configs/` change a few of them.

python main.py --regime=two_step --n_labels=1200
    on synthetic galaxies: vote_rmse 0.114, constant mean 0.291, at commit 7f566eb; within 14 minutes on two CPU cores
    with other work beside it, the installation included.
"""

from ml_collections import ConfigDict

__all__ = ["get_config"]


def get_config() -> ConfigDict:
    """The default run: 64x64 grey pictures, sizes chosen to train fast on two CPU cores."""
    config = ConfigDict()
    config.regime = "two_step"  # supervised | alternating | two_step (the paper's section 2.3)
    config.n_labels = 1200  # labelled galaxies in all, validation included; 0: all; the paper compares 100 to 1,200
    config.seed = 0  # of the weights, the drawn labels, the order of the data and every random number of training

    config.data, config.model, config.train = _data(), _model(), _train()
    return config.lock()


def _data() -> ConfigDict:
    """Galaxies, and how their pictures are changed in training."""
    data = ConfigDict()
    data.table = ""  # CSV, Parquet, Feather, FITS or VOTable with votes; "" makes synthetic galaxies
    data.images = ""  # folder (with its subfolders) or zip with one picture per galaxy of the table, named ID.jpg
    data.unlabelled = ""  # folder or zip with more pictures, learnt from without labels
    data.cache_dir = ""  # folder that keeps decoded pictures, mapped into memory, for the next run; "" for none
    data.missing_pictures = 0.1  # share of pictures, of the table and of unlabelled, that may be missing or broken
    data.split = ""  # CSV (id, split = train or test); "" for a hash of the id
    data.pool_limit = 0  # pictures learnt from without labels, drawn by a hash of their names; 0 for all there are
    data.image_size = 64  # pixels; 32 to 256, divisible by 2 ** len(model.filters)
    data.channels = 1  # 1 grey, 3 colour
    data.crop_fraction = 1.0  # central part of the picture that is kept, (0, 1]; 0.5 for 424 px Kaggle pictures
    data.id_column = ""  # column with the pictures' names; "" finds a known one
    data.answer_columns = ()  # one column per answer; () finds known ones (Kaggle, Hart et al. 2016, Zoobot);
    # "a,b,c; d,e < b" are two questions, the second one asked after answer b
    data.questions = ()  # of a known decision tree, learnt together: names, or all; () the first, smooth or featured
    data.label_kind = "auto"  # counts | fractions | auto
    data.pseudo_count = 40.0  # votes that a table of fractions is taken to stand for; Galaxy Zoo 2 has about 43
    data.test_fraction = 0.25  # of the table, where no split is given
    data.split_seed = 0  # of the hash split: the same test galaxies for every config.seed
    data.validation_fraction = 0.1  # of the n labels; for choosing the epoch whose weights are kept (least vote_mse)
    data.augment_flips = True  # training pictures are mirrored left-right and up-down at random
    data.augment_rotations = False  # training pictures are turned by random angles
    data.augment_jitter = 1.0  # labelled pictures are zoomed, shifted, brightened, tinted, given noise; 1: like views
    data.augment_jitter_labels = 100  # up to so many; beyond, jitter falls with the square root of their number
    data.augment_outskirts = 0.0  # probability that labelled pictures and views get another one's sky and companions
    data.synthetic_train = 6000  # synthetic galaxies that may be learnt from
    data.synthetic_test = 1000  # synthetic galaxies that are only looked at in the end
    data.synthetic_seed = 0  # of the synthetic galaxies: the same sky for every config.seed
    return data


def _model() -> ConfigDict:
    """Encoder, decoder and classifier."""
    model = ConfigDict()
    model.latent_dim = 64  # Z; the paper-era code has 100
    model.filters = (32, 64, 96, 128)  # of the encoder from fine to coarse, each halving the picture; decoder reversed
    model.residual = ()  # which of these convolutions, from 0 on, a 3x3 one with a shortcut follows in the encoder
    model.pixel_likelihood = "gaussian"  # gaussian (learnt scale) | laplace (learnt scale) | bernoulli (paper-era)
    model.sampler = "gather"  # gather | addons (tfa.image.interpolate_bilinear)
    model.pose = pose = ConfigDict()
    pose.group = "rotation"  # rotation (the paper) | rotation_scale | none (a plain VAE)
    pose.order = 2  # harmonic m of the circular mean: 1 is the paper, 2 finds the axis of two-fold symmetric galaxies
    pose.filters = (16, 16, 16)  # of the cyclic convolutions
    pose.angles = 64  # A, directions of the polar grid
    pose.radii = 16  # R, rings of the polar grid
    pose.blur = 0.04  # standard deviation of the blur before it, as a fraction of the picture's height
    model.classifier = classifier = ConfigDict()
    classifier.units = 64  # of the hidden layer
    return model


def _train() -> ConfigDict:
    """Steps, batches, rates and weights of terms."""
    train = ConfigDict()
    train.vae_steps = 1600  # steps of the pre-training that two_step and alternating begin with, whatever the pool
    train.vae_steps_per_picture = 0.2  # more of them for each picture of the pool, in whole epochs
    train.vote_steps = 200  # steps on labels, whatever the n
    train.vote_steps_per_label = 1.6  # more of them for each of the n, in whole epochs; many learn few by heart
    train.steps_per_epoch = 100  # steps between checkpoints and looks at validation
    train.vae_batch = 32  # pictures per step of pre-training
    train.unlabelled_batch = 16  # pictures per ELBO step beside a vote step
    train.labelled_batch = 32  # galaxies per vote step
    train.vae_learning_rate = 1.5e-3  # Adam, decayed to 0 by a cosine
    train.vote_learning_rate = 1e-3  # Adam, decayed to 0 by a cosine
    train.alternating_from_scratch = False  # True: no pre-training before alternating (the paper's form)
    train.alternating_vae_rate = 0.3  # of vae_learning_rate, where alternating's ELBO steps follow pre-training
    train.kl_weight = 1.0  # of the KL term; 1 is the ELBO (Eq. 4)
    train.kl_warmup_steps = 600  # ELBO steps over which the KL weight rises from 0
    train.view_weight = 1e4  # of the contrast between views of a galaxy, beside pre-training's ELBO; 0: as the paper
    train.measure_weight = 0.0  # of telling classical measures from the latent, beside pre-training's ELBO; 0: not
    train.folds = 0  # parts of the labels, each predicted by a model that has not seen it, for the error bars; 0: none
    train.teaching_pictures = 0  # of the pool, whose votes by the teachers (Gaussian processes on measures and latents
    # and, where there are folds, their models) train two_step's last model beside the labels; 0: labels alone
    train.teaching_steps = 2500  # vote steps of a last model that is taught
    train.init = ""  # run or exported model whose weights it starts from, instead of pre-training; "": random weights
    train.member = 0  # of an ensemble: other weights, order and augmentation of batches, with the same labels
    train.freeze_encoder = False  # True: votes train the classifier alone (M1, the paper's foil)
    return train
