"""Conditions on columns of items: what they select, and that nothing in them is run."""

from __future__ import annotations

import logging

import pytest

from hyperml_tf.data.conditions import matches

TABLE = {
    "year": ["1995", "1988", "", "2001"],
    "genres": ["Comedy|Drama", "Comedy", "", "Sci-Fi|Drama"],
    "title": ["It's `on`", 'Say "no"', "Untitled", "2001"],
    "release year": ["1996", "1989", "1990", "2002"],
    "sku": ["007", "7", "x", ""],
}


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("year >= 1990", [0, 3]),
        ("1990 <= year < 2000", [0]),
        ("2000 < year", [3]),
        ("year != 1995", [1, 2, 3]),
        ("year == '1995'", [0]),
        ("year == ''", [2]),
        ("year in [1995, 2001]", [0, 3]),
        ("year not in (1995, 2001)", [1, 2]),
        ("year in []", []),
        ("-1 < year", [0, 1, 3]),
        ("genres == 'Comedy'", [1]),
        ("'Comedy' in genres", [0, 1]),
        ("'Comedy|Drama' in genres", [0]),
        ("'Com' in genres", []),
        ("'Comedy' not in genres", [2, 3]),
        ("1988 in year", [1]),
        ("year >= 1990 and 'Comedy' in genres or title == 'Untitled'", [0, 2]),
        ("not ('Drama' in genres)", [1, 2]),
        ("(year > 1990) & ~('Comedy' in genres) | (year == 1988)", [1, 3]),
        ("`release year` > 1995", [0, 3]),
        ("title == 'It\\'s `on`'", [0]),
        ('title == "Say \\"no\\""', [1]),
        ("sku == '007'", [0]),
        ("year >= '1990'", [0, 3]),
    ],
)
def test_rows_that_meet_a_condition(condition: str, rows: list[int]) -> None:
    assert matches(condition, TABLE).nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "must be a text of at most 10,000 characters"),
        ("year > 1" + " " * 10_000 + "and year > 2", "must be a text of at most 10,000 characters"),
        ("year >", "invalid syntax"),
        ("(" * 4000 + "year > 1" + ")" * 4000, "Received"),
        ("year", "expected a comparison"),
        ("year + 1 > 2", "expected a column"),
        ("year > title", "expected a text in quotes or a number"),
        ("year == None", "expected a text in quotes or a number"),
        ("year == True", "expected a text in quotes or a number"),
        ("year is 1995", "expected ==, !="),
        ("brand == 'Acme'", r"must name columns of the item table, which are \['genres', .*Received: 'brand'"),
        ("title > 1990", "The column 'title' must hold numbers.*Received: \"It's `on`\""),
        ("year == 9007199254740993", "at most 2"),
        ("@open == 1", "invalid syntax"),
        ("__import__('os').system('true')", "expected a comparison"),
        ("title.str.len() > 3", "expected a column"),
        ("open('x') == 'y'", "expected a column"),
        ("(lambda: year)() > 1", "expected a column"),
        ("year[0] > 1", "expected a column"),
        ("year > (1).__class__", "expected a text in quotes or a number"),
        ("[x for x in year] == 'a'", "expected a column"),
        ("'a' in [title]", "expected a column"),
        ("year in [open('x')]", "expected a text in quotes or a number"),
        ("f'{year}' == title", "expected"),
        ("(year := 1) > 0", "expected a column"),
    ],
)
def test_whatever_else_python_could_run_is_refused(condition: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matches(condition, TABLE)


def test_a_few_values_that_are_no_numbers_count_as_missing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert matches("year > 1", {"year": ["1990", "1991", "unknown"]}).tolist() == [True, True, False]
    assert "1 values that are no numbers, such as 'unknown'" in caplog.text
