"""Every tolerance of the tests, with its reason."""

SAMPLING_ATOL = 1e-5  # of [0, 1]: positions near 32 carry 2e-6 of rounding in float32
GRADIENT_ATOL = 2e-3  # central differences of step 1e-2 in float32 on values of order 1
POSE_DEGREES = 1.0  # median error of the pose law; one of 64 angular bins is 5.6 degrees
CANONICAL_ATOL = 0.02  # of [0, 1]: a turned picture is sampled twice, its canonical view blurs by that much
PREDICTION_SPREAD = 0.05  # vote fractions of turned galaxies; 43 volunteers alone scatter by 0.05
SCALED_POSE_DEGREES = 5.6  # one angular bin: magnified pictures lose their rim, so this law is approximate
SCALE_LAW = 0.12  # log scale, of a range of +-0.2: as above
XLA_ATOL = 2e-4  # XLA and SavedModels fuse and order sums differently; logits are of order 1
BATCH_ATOL = 1e-5  # another batch size takes another matrix-product kernel
SAVED_ATOL = 0.0  # a saved model has the same weights and runs the same kernels
KL_ATOL = 1e-4  # nats; float32 sums of some ten terms of order 1
MONTE_CARLO_SIGMAS = 5.0  # standard errors; a false alarm in 1.7 million
PLAIN_RTOL = 2e-5  # of the largest value: float32 sums of some hundred terms in another order
UPDATE_RTOL = 1e-4  # of a weight's largest update: a step amplifies float32 rounding tenfold to a hundredfold
COVERAGE_ATOL = 0.006  # of a coverage simulated 20,000 times; four standard errors of it
COPIES_FOUND = 0.99  # of re-encoded, rescaled, mirrored and turned pictures; all were when the hash was chosen
OTHERS_LOST = 0.001  # of other galaxies; none of 27,675 was when the hash was chosen
REPLICA_RTOL = 1e-3  # of the largest update: sums over two halves of a batch, and a posterior of scale 1e-4
