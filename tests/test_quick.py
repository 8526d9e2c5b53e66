"""`pytest --quick`: which tests it runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import quick


def case(nodeid: str, slow: bool = False) -> SimpleNamespace:
    return SimpleNamespace(nodeid=nodeid, get_closest_marker=lambda name: (slow and name == "slow") or None)


def test_the_ends_of_a_parametrization_and_no_slow_test() -> None:
    alone, slow = case("a.py::alone"), case("a.py::slow", slow=True)
    many = [case(f"a.py::many[{number}]") for number in range(7)]
    partly = [case(f"a.py::partly[{number}]", slow=number > 3) for number in range(7)]
    assert quick.chosen([alone, slow, *many, *partly]) == [alone, many[0], many[-1], partly[0], partly[3]]


def test_the_same_name_in_two_files_is_two_tests() -> None:
    tests = [case("a.py::same[0]"), case("b.py::same[0]"), case("b.py::same[1]"), case("b.py::same[2]")]
    assert quick.chosen(tests) == [tests[0], tests[1], tests[3]]


@pytest.mark.parametrize(("is_quick", "expected"), [(False, [4, 25, 200]), (True, [3, 5, 40])])
def test_a_fifth_of_the_examples(is_quick: bool, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_is_quick", is_quick)
    assert [quick.examples(number) for number in (4, 25, 200)] == expected
