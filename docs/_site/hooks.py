"""What MkDocs adds to the pages of docs/: the API reference, pictures of the concepts, and links out of docs/ as text."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import pictures
import reference

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?:\.\./)+[^)#]+)(?:#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the API reference, and the pictures."""
    for name, text in reference.pages().items():
        files.append(File.generated(config, f"reference/{name}", content=text))
    for name, svg in pictures.draw_all().items():
        files.append(File.generated(config, f"concepts/{name}.svg", content=svg))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Replaces links to files of the repository, which the site does not have, by their paths."""

    def replaced(match: re.Match[str]) -> str:
        text, target = match.groups()
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), target))
        if path.startswith("docs/"):
            return match[0]
        if not (Path(config.config_file_path).parent / path).exists():
            raise FileNotFoundError(f"{page.file.src_uri} has a link to {path}, which does not exist.")
        return text if text.strip("`") in path else f"{text} (`{path}`)"

    return _LINK.sub(replaced, markdown)
