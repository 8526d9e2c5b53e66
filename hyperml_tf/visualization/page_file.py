"""The explorer as one HTML file, made of the files in `page/`."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import re
from typing import Any

# In this order they are one script.
SCRIPTS = ("arrays", "disk", "catalogue", "palette", "points", "marks", "view", "combobox", "legend", "panel", "main")


def page(data: dict[str, Any]) -> str:
    """Returns the page.

    Nothing in `data` can become markup or code: it is JSON in a block that browsers do not run, without any `<`, and the script
    sets text only. Beyond that, the page has a Content Security Policy by which a browser runs and loads nothing but this very
    script and style.

    Args:
        data: What the page shows, as from `page_data`.
    """
    script = '"use strict";\n(() => {\n' + "\n".join(_file(f"{name}.js") for name in SCRIPTS) + "})();\n"
    style = _file("page.css")
    parts = {
        "policy": _policy(script, style),
        "title": html.escape(data["title"]).encode("ascii", "xmlcharrefreplace").decode("ascii"),
        "style": style,
        "script": script,
        "data": as_json(data),
    }
    # In one pass, so that braces in the data are left alone.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("page.html"))


def as_json(data: Any) -> str:
    """Returns JSON in ASCII that ends no block of HTML and begins no tag, comment or entity."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _file(name: str) -> str:
    return (importlib.resources.files("hyperml_tf.visualization") / "page" / name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
