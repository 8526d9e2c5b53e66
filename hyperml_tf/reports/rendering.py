"""A document as Markdown, and as an HTML page that needs no other file and no network."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence

from hyperml_tf.reports.document import Block, Bullets, Heading, Paragraph, Picture, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~!&$])")
_STRONG = ' class="strong"'
_STYLE = """
:root { color-scheme: light dark; --paper: #fbfbfd; --ink: #2b2b33; --faint: #6d6d78; --line: #dcdce4; --mark: #eef2f8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16171c; --ink: #e4e4ea; --faint: #a0a0ac; --line: #34353f; --mark: #20242e; }
}
body { background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 54rem;
  padding: 2rem 1.2rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.6rem; }
.strong { background: var(--mark); border-left: 4px solid #4477aa; padding: .8rem 1rem; }
.scroll { margin: 1.2rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .9rem .3rem 0; text-align: right; vertical-align: bottom; }
td { white-space: nowrap; }
td.text { max-width: 22rem; white-space: normal; } td.text:first-child { min-width: 7rem; }
th { color: var(--faint); font-weight: 600; }
.text { overflow-wrap: anywhere; text-align: left; }
figure { margin: 1.4rem 0; } img { max-width: 100%; } figcaption { color: var(--faint); font-size: .9rem; }
"""


def to_markdown(blocks: Sequence[Block], folder: str, pictures: Mapping[str, bytes]) -> str:
    """Renders a document as Markdown.

    Args:
        blocks: The parts of the document.
        folder: String, the path of the pictures.
        pictures: The pictures that there are, by name; others are left out.

    Example:

    >>> to_markdown([Heading("Items"), Paragraph("1 < 2")], "pictures", {})
    '## Items\\n\\n1 \\\\< 2\\n'
    """
    parts = [_markdown(block, folder, pictures) for block in blocks]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown(block: Block, folder: str, pictures: Mapping[str, bytes]) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_plain(block.text)}"
    if isinstance(block, Paragraph):
        return f"**{_plain(block.text)}**" if block.strong else _plain(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_plain(item)}" for item in block.items)
    if isinstance(block, Table):
        rules = ["---"] * block.texts + ["--:"] * (len(block.head) - block.texts)
        rows = [list(map(_plain, block.head)), rules, *(map(_plain, row) for row in block.rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    caption = _plain(block.caption)
    return f"![{caption}]({folder}/{block.name}.svg)\n\n{caption}" if block.name in pictures else ""


def _plain(text: str) -> str:
    """Text in which no character has a meaning in Markdown or HTML, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def to_html(blocks: Sequence[Block], pictures: Mapping[str, bytes]) -> str:
    """Renders a document as an HTML page, light or dark as the reader has it.

    Args:
        blocks: The parts of the document.
        pictures: SVG pictures by name, which become parts of the page; those that are missing are left out.

    Example:

    >>> "<h2>a &lt;b&gt;</h2>" in to_html([Heading("a <b>")], {})
    True
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    body = "\n".join(_html(block, pictures) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Even if something were not escaped, nothing would run or be loaded.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html(block: Block, pictures: Mapping[str, bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p{_STRONG if block.strong else ''}>{html.escape(block.text)}</p>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Table):
        rows = "".join(f"<tr>{_cells(row, 'td', block.texts)}</tr>" for row in block.rows)
        head = f"<thead><tr>{_cells(block.head, 'th', block.texts)}</tr></thead>"
        return f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>'
    return _figure(block, pictures)


def _cells(row: Sequence[str], tag: str, texts: int) -> str:
    kinds = [' class="text"'] * texts + [""] * (len(row) - texts)
    return "".join(f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for cell, kind in zip(row, kinds, strict=True))


def _figure(block: Picture, pictures: Mapping[str, bytes]) -> str:
    if block.name not in pictures:
        return ""
    data = base64.b64encode(pictures[block.name]).decode()
    caption = html.escape(block.caption)
    return f'<figure><img alt="{caption}" src="data:image/svg+xml;base64,{data}"><figcaption>{caption}</figcaption></figure>'
