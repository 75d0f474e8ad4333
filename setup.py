"""Installs the package `etvae_tf` with its command line; presets and trained models stay in the checkout."""

from pathlib import Path

from setuptools import find_packages, setup

# The lower bounds are the TensorFlow 2.15.1 stack, the last one on which tensorflow-addons imports; pip takes
# the newest releases that fit the Python in use. tf-keras names the TensorFlow it goes with, so it follows.
REQUIREMENTS = [
    "tensorflow>=2.15.1,<2.22",
    "keras>=2.15,!=3.0.*,<4",  # 3.0 logs no loss of an own train_step
    "tensorflow-probability>=0.23,<0.26",
    "tf-keras>=2.15,<2.22",  # imported by tensorflow-probability
    "tensorboard>=2.15,<2.22",  # TensorFlow 2.21 no longer installs it
    "numpy>=1.23.5",
    "absl-py>=1.4",
    "h5py>=3.10",  # weights that both Kerases read
    "ml_collections>=1.0",
    "pandas>=2.0",
    "pyarrow>=14",  # Parquet tables
    "matplotlib>=3.8",  # figures
    "scipy>=1.11",  # intervals over seeds, filters and regions of the measures
    "imagehash>=4.3",  # copies of pictures
    "pillow>=10",  # the pictures that imagehash takes
    "scikit-learn>=1.4",  # the Gaussian process on measures
    "jinja2>=3.1",  # report pages
    "threadpoolctl>=3",  # one thread in matrix products where others would wait or differ
]
SERVING = ["tensorflow-serving-api>=2.15.1,<2.22", "grpcio>=1.60", "requests>=2.31", "tenacity>=9"]
EXTRAS = {
    # Python 3.10 and 3.11 only, and pip says so: TensorFlow 2.15 has no later wheels.
    "addons": [
        "tensorflow>=2.15.1,<2.16",
        "keras>=2.15,<2.16",
        "tensorflow-probability>=0.23,<0.24",
        "tf-keras>=2.15,<2.16",
        "tensorflow-addons>=0.23,<0.24",
        "numpy<2",  # as TensorFlow 2.15; said here, pip need not find it out
        "pyarrow<26",  # 26 needs NumPy 2 without telling pip; TensorFlow 2.15 needs NumPy 1
        "setuptools<81",  # tensorboard 2.15 imports pkg_resources, which newer ones lack
    ],
    "astro": ["astropy<8"],  # FITS pictures and tables, VOTables
    # Pipelines on many machines. Beam 2.77 installs beside TensorFlow 2.21 and beside 2.15.1, on Python 3.11; it takes
    # older protobuf, pyarrow and pillow than the newest. Its TensorFlow handler imports tensorflow-hub.
    "beam": ["apache-beam>=2.69", "tensorflow-hub>=0.16"],
    "docs": ["sphinx>=8", "pydata-sphinx-theme>=0.16", "myst-nb>=1.2"],  # the guide, built on the default stack
    # The protobufs and services of TensorFlow Serving; it names the TensorFlow it goes with, so it follows.
    "serving": SERVING,
    # astropy and photutils are statmorph's; later ones need NumPy 2, which TensorFlow 2.15 does not bear.
    "test": SERVING
    + ["pytest>=8", "pytest-xdist>=3.5", "ruff>=0.9", "pyyaml>=6", "statmorph>=0.6", "astropy<8", "photutils<2.4"],
}

setup(
    name="etvae_tf",
    version="0.1.0",
    description="Semi-supervised galaxy morphology with an Equivariant-Transformer VAE, in TensorFlow",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["etvae_tf", "etvae_tf.*"]),
    package_data={"etvae_tf.report": ["templates/*"]},
    python_requires=">=3.10,<3.14",
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
)
