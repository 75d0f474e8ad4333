"""The files around the package say the same as the package."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def citation() -> dict:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_citation_names_the_installed_version_and_licence(citation):
    installed = metadata.metadata("etvae_tf")
    assert citation["version"] == installed["Version"]
    licence = installed.get("License-Expression", installed.get("License"))  # the first from setuptools 77 on
    assert citation["license"] == licence


def test_citation_has_every_field_the_format_requires(citation):
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    (paper,) = citation["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert [author["family-names"] for author in paper["authors"]] == ["Nishikawa-Toomey", "Smith", "Gal"]
    assert paper["url"].endswith("2011.08714")


def test_licence_is_the_full_apache_text():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    for part in ("Version 2.0, January 2004", "9. Accepting Warranty or Additional Liability", "APPENDIX:"):
        assert part in text


def test_ci_installs_with_the_commands_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    names = ("test_command=", "main_command=")
    commands = [line.split('"')[1] for line in script.splitlines() if line.startswith(names)]
    assert len(commands) == 2
    for command in commands:
        assert command in readme


@pytest.mark.slow
def test_fast_kernels_are_chosen_unless_the_environment_says_otherwise():
    from tensorflow.python.util import _pywrap_util_port as port

    assert port.IsMklEnabled() == (os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1")  # in this process etvae_tf came first
    question = "import etvae_tf; from tensorflow.python.util import _pywrap_util_port as p; print(p.IsMklEnabled())"
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    asked = [sys.executable, "-c", question]
    answer = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_extras_are_those_the_readme_offers():
    offered = {"addons", "astro", "beam", "docs", "serving", "test"}
    assert set(metadata.metadata("etvae_tf").get_all("Provides-Extra")) == offered
