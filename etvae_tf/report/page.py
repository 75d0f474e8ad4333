"""From values to one HTML file: templates, pictures as data URIs, numbers in words."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from PIL import Image

from etvae_tf.config import get_config
from etvae_tf.evaluation import as_shown
from etvae_tf.files import write_atomically

__all__ = ["PAGE", "figure_uri", "origin_of", "picture_uri", "with_interval", "write_page"]

PAGE = "report.html"  # its name in the folder of a run or a study


def write_page(folder: Path, template: str, **values: Any) -> Path:
    """Fills a template of this package; what is no HTML in the values is escaped.

    Args:
        folder: that report.html is written into, whole or not at all.
        template: name of the template.
        **values: that it uses; one that is missing is an error.

    Returns:
        Path of the page.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("etvae_tf.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(folder=str(folder), **values)
    write_atomically(folder / PAGE, lambda path: path.write_text(text, encoding="utf-8"))
    return folder / PAGE


def picture_uri(picture: np.ndarray) -> str:
    """A picture, float array (H, W, C) in [0, 1], as a data URI of a PNG; see `as_shown`."""
    levels = np.round(255 * as_shown(picture)).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels).save(encoded, "png")
    return _png_uri(encoded.getvalue())


def figure_uri(path: Path) -> str | None:
    """A PNG file as a data URI; None where there is no such file."""
    return _png_uri(path.read_bytes()) if path.exists() else None


def _png_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def with_interval(value: float, low: float, high: float, form: str = "{:.4f}") -> str:
    """`0.1352 [0.1288, 0.1421]`; without the interval where its ends are unknown."""
    text = form.format(value)
    return text if math.isnan(low) or math.isnan(high) else f"{text} [{form.format(low)}, {form.format(high)}]"


def origin_of(folder: Path) -> dict[str, Any]:
    """Where a run came from: what its manifest.json says, all its fields by name, and those that are not the default's.

    Args:
        folder: of the run.

    Returns:
        manifest; fields, name to value; changed, name to (default, value).
    """
    fields = _flat(json.loads((folder / "config.json").read_text()))
    default = _flat(json.loads(get_config().to_json()))
    changed = {name: (default.get(name, "-"), value) for name, value in fields.items() if default.get(name) != value}
    manifest = json.loads((folder / "manifest.json").read_text())
    return {"manifest": manifest, "fields": fields, "changed": changed}


def _flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    return pd.json_normalize(nested, sep=".").iloc[0].to_dict()
