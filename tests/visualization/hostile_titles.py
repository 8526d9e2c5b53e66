"""Titles that must be shown as text, whatever they look like."""

from __future__ import annotations

_RUN = "window.ran=1"
_SHAPES = (
    f"</script><script>{_RUN}</script>",
    f"<img src=x onerror={_RUN}>",
    f'"><svg onload="{_RUN}">',
    f"'; {_RUN}; '",
    f'"; {_RUN}; "',
    f"</style><style>*{{display:none}}</style><script>{_RUN}</script>",
    "<!-- <script>",
    "--><script src=http://127.0.0.1:9/x.js></script>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'></iframe>",
    f"javascript:{_RUN}",
    "${alert(1)} `{{data}}` {{script}} {{policy}}",
    "]]> &lt;b&gt; &amp; &#60;",
    "\\u003cscript\\u003e \\\\ \\n \\",
    "NUL \x00 bell \x07 escape \x1b[31m delete \x7f",
    "line\nbreak\ttab\r\ncarriage\u2028separator\u2029",
    "\u202eright to left\u202c \u2067isolated\u2069",
    "שלום עולם",
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 👍🏽",
    "𝕌𝕟𝕚𝕔𝕠𝕕𝕖 \U0010ffff \ufeff",
    "lone \ud800 surrogate",
    "__proto__",
    "constructor",
    "   ",
    "x" * 10_000,
    "a b c " * 50,
    "日本語の長い商品名",
    "Z" + "\u0300\u0301\u0302" * 40,
    "|separated||parts|",
)
TITLES = [shape if number == 0 else f"{shape} {number}" for shape in _SHAPES for number in range(10)]
