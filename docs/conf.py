"""How Sphinx builds the guide: python -m sphinx -W -b html docs docs/_build"""

from __future__ import annotations

import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # of the tutorial's process: TensorFlow's start-up notices

project = "etvae_tf"
copyright = "the etvae_tf authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated/*.md"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_nav_level": 2, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"*": []}  # pages of the API alone have neighbours to go to
html_show_sourcelink = False

default_role = "code"  # docstrings are written with single backticks
autosummary_generate = True
napoleon_use_ivar = True  # attributes of named tuples are documented as such already
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 600  # seconds for one cell
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"  # notices of TensorFlow; an error ends the build


def escape(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings have |absolute values| and prefixes_ of names, which are no markup of reStructuredText."""
    lines[:] = [re.sub(r"(?<=\w)_(?![\w`])", r"\_", line.replace("|", r"\|")) for line in lines]


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape, priority=100)  # before napoleon
