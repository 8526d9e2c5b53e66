"""The page at `/`, on which a model is tried."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from importlib import resources


class Page:
    """One file of HTML, with its style and its program inside, which ask nothing but this server.

    Args:
        model: String, name of the model.
    """

    def __init__(self, model: str) -> None:
        text = (resources.files(__package__) / "page.html").read_text(encoding="utf-8")
        self.html = text.replace("{{model}}", html.escape(model))
        # Hashes of what is inside: nothing else may run, not even what would come with an id or a title.
        sources = {tag: _sources(tag, self.html) for tag in ("script", "style")}
        self.headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; connect-src 'self'; "
                "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }


def _sources(tag: str, text: str) -> str:
    blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks]
    return " ".join(f"'sha256-{digest}'" for digest in digests)
