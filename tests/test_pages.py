"""The pages of the documentation do what they say: their programs run, their commands exist, their links lead somewhere."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from docstring_checks import public_objects
from tiny import exporting

from hyperml_tf.cli import main
from hyperml_tf.cli.application import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])
# Programs of pages that stand for themselves; those of other pages are parts, which their own tests complete.
WHOLE = [ROOT / "docs" / name for name in ("concepts/space.md", "concepts/model.md", "updating.md")]
WHOLE += sorted((ROOT / "docs" / "guides").glob("*.md"))
COMMAND = re.compile(r"^\s*(?:\$ )?(hyperml-tf .+)$", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def run_python(path: Path) -> None:
    """Runs the blocks of a page as one program, with its line numbers."""
    text, names = path.read_text(), {"__name__": "__main__"}
    for match in re.finditer(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, match.start(1))
        exec(compile("\n" * line + match[1], str(path), "exec"), names)


def commands_of(path: Path) -> list[list[str]]:
    """The words of every call of the command line in the console blocks of a page."""
    text = "\n".join(blocks(path, "console")).replace("\\\n", " ")
    return [shlex.split(line, comments=True)[1:] for line in COMMAND.findall(text)]


@pytest.mark.slow
@pytest.mark.parametrize("path", WHOLE, ids=named)
def test_programs_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with exporting("serving_default", "recommend_from_items"):
        run_python(path)


@pytest.mark.slow
def test_get_started_leads_from_a_table_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = ROOT / "docs" / "get_started.md"
    for words in commands_of(path):
        assert main(words) == 0, capsys.readouterr().err
    run_python(path)
    printed = capsys.readouterr().out
    assert "Held-out items" in printed
    assert printed.count("item_0") > 10


@pytest.mark.parametrize("path", [page for page in PAGES if commands_of(page)], ids=named)
def test_commands_and_options_exist(path: Path) -> None:
    commands: Any = typer.main.get_command(app).commands
    for name, *words in commands_of(path):
        if name.startswith("-"):
            continue
        assert name in commands, f"hyperml-tf {name}"
        known = {option for parameter in commands[name].params for option in (*parameter.opts, "--help")}
        known |= {option for parameter in commands[name].params for option in parameter.secondary_opts}
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        assert set(options) <= known, f"hyperml-tf {name}"


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        # Pictures of the concepts and the API reference are made with the site.
        made = target.startswith("reference/") or (path.parent.name == "concepts" and target.endswith(".svg"))
        assert made or (path.parent / target).exists(), target


def test_the_site_has_an_entry_for_every_public_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import reference

    entries = {entry for page in reference.pages().values() for entry in re.findall(r"^::: (\S+)$", page, re.MULTILINE)}
    for home, values in public_objects().items():
        for value in values:
            if not inspect.ismodule(value) and not home.startswith("hyperml_tf.cli"):
                assert f"{value.__module__}.{value.__name__}" in entries


@pytest.mark.slow
def test_pictures_of_the_site_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "_site")
    import pictures

    shown = set(re.findall(r"\]\((\w+)\.svg\)", "".join(page.read_text() for page in ROOT.glob("docs/concepts/*.md"))))
    drawn = pictures.draw_all()
    assert set(drawn) == shown
    assert all(svg.startswith(b"<?xml") for svg in drawn.values())
