"""Small faults put into the code, one at a time: how many do the tests find?

    python benchmarks/robustness/mutations.py [--groups geometry losses] [--mutants 40] [--seed 0] [--out mutations.jsonl]

The operators are those of cosmic-ray (`pip install cosmic-ray`), which itself starts a process, and imports TensorFlow, for every
mutant. Here a process imports TensorFlow once, and forks for every mutant. The tests read a copy of the project with one mutated
file: its examples and the tests of its group are run until one fails, first those of `pytest --quick`, and then all. A mutant is
killed if a test fails, or if the tests take five times the processor time that they take without a mutation.

`--out` keeps what has been found, and a second call goes on from there. `--again` runs only the survivors of such a file again.
With `--quick`, a mutant survives if the quick tests do not find it.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import functools
import gc
import importlib
import json
import math
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
GROUPS: dict[str, tuple[str, str]] = {
    "geometry": (
        "hyperml_tf/geometry",
        "accuracy lorentz ordering gyrovector_laws shapes_and_dtypes distances gradients measured_pairs maps",
    ),
    "losses": ("hyperml_tf/losses", "losses padding ../test_serialization.py"),
    "optimizers": (
        "hyperml_tf/optimizers",
        "optimizer_arguments poincare_ball riemannian_sgd riemannian_adagrad riemannian_adam sparse_gradients "
        "steps_on_the_ball keras_options keras_private_names optimizer_saving ../test_serialization.py",
    ),
    "metrics": ("hyperml_tf/metrics", "ranks user_metrics lists ranking_metric protocols ../test_serialization.py"),
    "sampling": ("hyperml_tf/sampling", "uniform_negatives hard_negatives row_draws ../models/test_hyperml_loss.py"),
    "retrieval": (
        "hyperml_tf/retrieval",
        "nearest among results quantised_index nearest_neighbors ../models/test_hyperml_answers.py ../models/test_not_finite.py",
    ),
}
"""For each group: its code, and its test files in the order in which they are run."""
SLOWER = 5
"""A mutant is killed if its tests take so many times the processor time of the tests without one."""
WALL_SECONDS = 1500
ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow")
PRELOADED = ("tensorflow", "tf_keras", "tensorflow_recommenders", "scipy.stats", "pandas", "pyarrow.parquet", "h5py")
PRELOADED += ("hypothesis.extra.numpy", "mpmath", "pytest")
Z = 1.96


class Mutant(NamedTuple):
    """One fault: the operator and its place in a file, and the mutated text."""

    group: str
    path: str
    operator: str
    occurrence: int
    text: str

    @property
    def key(self) -> tuple[str, str, int]:
        return self.path, self.operator, self.occurrence

    def difference(self, project: Path) -> str:
        """The lines that differ."""
        before = (project / self.path).read_text().splitlines()
        lines = list(difflib.unified_diff(before, self.text.splitlines(), lineterm="", n=0))[2:]
        return "\n".join(lines)


@functools.cache
def operators() -> dict[str, Any]:
    """The operators of cosmic-ray without those whose mutants any call finds, such as a shift of numbers."""
    import cosmic_ray.plugins

    return {
        name: cosmic_ray.plugins.get_operator(name)
        for name in cosmic_ray.plugins.operator_names()
        if _makes_sense(name.partition("/")[2])
    }


def _makes_sense(operator: str) -> bool:
    kind, *ends = operator.split("_")
    if kind == "ReplaceBinaryOperator":
        return all(end in ARITHMETIC for end in ends) or set(ends) == {"BitOr", "BitAnd"}
    if kind == "ReplaceComparisonOperator":
        return len({end in ("Is", "IsNot") for end in ends}) == 1
    return kind not in ("VariableReplacer", "VariableInserter")


def places(file: Path) -> list[tuple[str, int]]:
    """Where a file can be mutated: operators, and how many places of the same operator come before."""
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes = list(ast_nodes(get_ast(file.read_text())))
    return [
        (name, occurrence)
        for name, operator in operators().items()
        for occurrence in range(sum(len(list(operator().mutation_positions(node))) for node in nodes))
    ]


def sample(project: Path, group: str, number: int, seed: int) -> list[Mutant]:
    """So many mutants of a group, from every file its share, and at least two."""
    files = {file: places(file) for file in sorted((project / GROUPS[group][0]).rglob("*.py"))}
    total = sum(map(len, files.values()))
    return [
        mutant
        for file, there in files.items()
        if there
        for mutant in _some(group, project, file, there, max(2, round(number * len(there) / total)), seed)
    ]


def _some(
    group: str, project: Path, file: Path, there: list[tuple[str, int]], number: int, seed: int
) -> Iterator[Mutant]:
    """Mutants of a file that differ from it, and from each other, in more than annotations."""
    from cosmic_ray.mutating import mutate_code

    source, path = file.read_text(), str(file.relative_to(project))
    seen = {_essence(source)}
    random.Random(f"{seed}/{path}").shuffle(there)
    for name, occurrence in there:
        text = mutate_code(source, operators()[name](), occurrence)
        with contextlib.suppress(SyntaxError):
            if (essence := _essence(text)) not in seen:
                seen.add(essence)
                yield Mutant(group, path, name, occurrence, text)
                if len(seen) > number:
                    return


def _essence(source: str) -> str:
    """The code without annotations and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def tests(group: str) -> list[str]:
    """The test files of a group."""
    folder = Path("tests") / Path(GROUPS[group][0]).name
    return [
        os.path.normpath(folder / (name if name.endswith(".py") else f"test_{name}.py"))
        for name in GROUPS[group][1].split()
    ]


class _NoShrinking:
    """A plugin of pytest: properties draw the same examples each time, and look for no smaller ones when they have failed."""

    def __init__(self) -> None:
        self.outcome = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.outcome = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.outcome = report.nodeid

    def pytest_configure(self, config: Any) -> None:
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutations", settings(), phases=[Phase.explicit, Phase.generate], derandomize=True, database=None
        )
        settings.load_profile("mutations")

    pytest_configure.trylast = True  # type: ignore[attr-defined]


class Answer(NamedTuple):
    """What became of the tests: the first that failed, if any, and the processor time of all."""

    code: int | None
    failed: str
    seconds: float


def run_tests(project: Path, arguments: Sequence[str], seconds: float | None) -> Answer:
    """Runs tests of a copy of the project in a fork of this process, for at most so many seconds of the processor."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_tests, args=(project, list(arguments), seconds, theirs))
    process.start()
    theirs.close()
    process.join(WALL_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
    try:
        return Answer(*ours.recv())
    except EOFError:  # killed: no answer
        return Answer(None, "", seconds or WALL_SECONDS)


def _tests(project: Path, arguments: list[str], seconds: float | None, answer: Any) -> None:
    import pytest

    if seconds is None:  # without a mutation
        sys.dont_write_bytecode = False
    else:
        sys.dont_write_bytecode = True
        limit = math.ceil(seconds + time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    os.chdir(project)
    sys.path.insert(0, str(project))
    os.environ["PYTHONPATH"] = str(project)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    plugin = _NoShrinking()
    began = time.process_time()
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    doctests = ["--doctest-modules", "-o", "doctest_optionflags=NORMALIZE_WHITESPACE"]  # of the mutated file
    code = pytest.main([*options, *doctests, *arguments], plugins=[plugin])
    answer.send((int(code), plugin.outcome, time.process_time() - began))
    answer.close()
    os._exit(0)


class Tester:
    """Tests the mutants of a copy of the project.

    Args:
        project: Path of the copy.
        quick: Boolean, whether quick tests are enough.
    """

    def __init__(self, project: Path, quick: bool) -> None:
        self._project = project
        self._stages = [["--quick"]] if quick else [["--quick"], []]
        self._limits: dict[tuple[str, ...], float] = {}

    def outcome(self, mutant: Mutant) -> tuple[str, str]:
        """Returns `killed`, `timeout` or `survived`, and the test that failed."""
        file = self._project / mutant.path
        for stage in self._stages:
            seconds = self._limit(mutant.group, stage)
            original = shutil.copy2(file, file.with_suffix(".original"))
            try:
                file.write_text(mutant.text)
                answer = run_tests(self._project, [*stage, mutant.path, *tests(mutant.group)], seconds)
            finally:
                shutil.move(original, file)
            if answer.code is None:
                return "timeout", ""
            if answer.code:
                return "killed", answer.failed
        return "survived", ""

    def _limit(self, group: str, stage: list[str]) -> float:
        """How much of the processor's time tests may take; they must succeed without a mutation."""
        known = (group, *stage)
        if known in self._limits:
            return self._limits[known]
        answer = run_tests(self._project, [*stage, *tests(group)], None)
        if answer.code != 0:
            raise SystemExit(f"The tests of {group} fail without a mutation: {answer.failed}")
        print(f"{group}: {' '.join(stage) or 'all'} tests take {answer.seconds:.0f} s", flush=True)
        self._limits[known] = 20 + SLOWER * answer.seconds
        return self._limits[known]


@contextlib.contextmanager
def copied() -> Iterator[Path]:
    """A copy of the project in a directory that is removed."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        left_out = shutil.ignore_patterns(".*", "__pycache__", "build", "saved_models")
        shutil.copytree(ROOT, project, ignore=left_out)
        yield project


def interval(killed: int, number: int) -> tuple[float, float]:
    """Wilson's interval of a share, at 95 %."""
    share, z = killed / number, Z**2 / number
    middle = (share + z / 2) / (1 + z)
    half = Z * math.sqrt(share * (1 - share) / number + z / number / 4) / (1 + z)
    return middle - half, middle + half


def _table(found: list[dict[str, Any]]) -> None:
    print(
        "\n| code | mutants | killed | of these by time | survived | score | 95 % interval |\n|---|---|---|---|---|---|---|"
    )
    groups = [group for group in GROUPS if any(one["group"] == group for one in found)]
    for name in [*groups, "all"] if len(groups) > 1 else groups:
        outcomes = [one["outcome"] for one in found if name in ("all", one["group"])]
        survived = outcomes.count("survived")
        killed = len(outcomes) - survived
        low, high = interval(killed, len(outcomes))
        print(
            f"| {name} | {len(outcomes)} | {killed} | {outcomes.count('timeout')} | {survived} "
            f"| {killed / len(outcomes):.0%} | {low:.0%} to {high:.0%} |"
        )
    for one in found:
        if one["outcome"] == "survived":
            print(f"\n{one['path']} {one['operator']} {one['occurrence']}\n{one['difference']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--mutants", type=int, default=40, help="mutants of each group")
    parser.add_argument("--seed", type=int, default=0, help="which mutants")
    parser.add_argument("--out", type=Path, help="file that keeps the outcomes, one a line")
    parser.add_argument("--again", action="store_true", help="run the survivors in that file again")
    parser.add_argument("--quick", action="store_true", help="run quick tests only")
    asked = parser.parse_args()
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    lines = asked.out.read_text().splitlines() if asked.out and asked.out.exists() else []
    known = {(one["path"], one["operator"], one["occurrence"]): one for one in map(json.loads, lines)}
    if asked.again:
        known = {key: one for key, one in known.items() if one["outcome"] != "survived"}
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()
    found = []
    with copied() as project:
        tester = Tester(project, asked.quick)
        for group in asked.groups:
            chosen = sample(project, group, asked.mutants, asked.seed)
            for mutant in chosen:
                if mutant.key not in known:
                    what, failed = tester.outcome(mutant)
                    known[mutant.key] = {
                        **{name: value for name, value in mutant._asdict().items() if name != "text"},
                        **{"outcome": what, "failed": failed, "difference": mutant.difference(project)},
                    }
                    if asked.out:
                        with asked.out.open("a") as file:
                            file.write(json.dumps(known[mutant.key]) + "\n")
                    print(what, *mutant.key, failed, flush=True)
                found.append(known[mutant.key])
    _table(found)


if __name__ == "__main__":
    main()
