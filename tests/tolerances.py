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
NOVELTY_RTOL = 1e-4  # latents to `BATCH_ATOL`, weighted by up to 4 and summed
SAVED_ATOL = 0.0  # a saved model has the same weights and runs the same kernels
KL_ATOL = 1e-4  # nats; float32 sums of some ten terms of order 1
MONTE_CARLO_SIGMAS = 5.0  # standard errors; a false alarm in 1.7 million
PLAIN_RTOL = 2e-5  # of the largest value: float32 sums of some hundred terms in another order
UPDATE_RTOL = 1e-4  # of a weight's largest update: a step amplifies float32 rounding tenfold to a hundredfold
COVERAGE_ATOL = 0.0125  # of a coverage simulated 5,000 times; four standard errors of it
COPIES_FOUND = 0.99  # of re-encoded, rescaled, mirrored and turned pictures; all were when the hash was chosen
OTHERS_LOST = 0.001  # of other galaxies; none of 27,675 was when the hash was chosen
REPLICA_RTOL = 1e-3  # of the largest update: sums over two halves of a batch, and a posterior of scale 1e-4
MEASURE_ATOL = 1e-9  # of measures of order 1 to 10: float64 sums of some thousand pixels in another order
SINGLE_ATOL = 0.01  # of the same: float32 brightness may put a pixel on the other side of a threshold
ENERGY_ATOL = 2e-3  # of log energies: float32 rounding of 1e-7 beside the 1e-4 that is added before the logarithm
TURNED_SPREADS = 0.4  # standard deviations between galaxies: M20 depends on which pixels an arm's ridge falls on
RESIZED_SPREADS = 0.4  # as above; all but M20 and Gini stay below 0.21 turned and 0.15 resized
CONCENTRATION_ATOL = 0.05  # of 2.7 to 4: a pixel is averaged over, and the sky at the rim holds a little of the wings
RADIUS_RTOL = 0.03  # as above
ELLIPTICITY_ATOL = 0.02  # of an inclined disc: the region is rounder at its ends than the isophote
RING_ATOL = 0.01  # of amplitudes of up to 0.5: pixels on a ring's edge count in part
FLOOR_RTOL = 0.02  # a quarter of a grey level is added to the brightness that a ratio divides by
SUBSAMPLED_ATOL = 0.03  # of log energies: moduli are kept at few points and their frequencies above the limit dropped
PROCESS_ATOL = 1e-8  # of vote fractions: a Cholesky factor against a solved system of condition 1e3
STATMORPH_CONCENTRATION_ATOL = 0.03  # it takes brightness at a radius in a 1-pixel annulus, here from 0.8 to 1.25 radii
STATMORPH_ASYMMETRY_ATOL = 0.02  # it moves the centre to the least asymmetry and measures inside a circle
STATMORPH_M20_ATOL = (
    0.03  # of -1.5 to -2: it takes whole pixels up to 20 % of the light, here the last ones count in part
)
STATMORPH_ATOL = 1e-6  # Gini and ellipticity are the same formula on the same pixels
