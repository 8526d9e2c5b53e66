"""Conditions on the columns of an item table, written as in Python, such as `year >= 1990 and 'Comedy' in genres`.

A condition is parsed, never run: it consists of columns, texts, numbers, comparisons, `and`, `or` and `not`, and nothing else.
"""

from __future__ import annotations

import ast
import logging
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

logger = logging.getLogger(__name__)

LIST_SEPARATOR = "|"
"""The character between the members of a list in a column, such as `Comedy|Drama`."""

_LONGEST = 10_000
_ORDER: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
# Whole numbers are compared as float64, which has all of them up to here.
_EXACT = 2**53
# A quoted text, in which a backtick is a character, or a name in backticks.
_BACKTICKS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`([^`]+)`", re.DOTALL)


def matches(condition: str, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Returns the rows that meet a condition, as a mask, `(rows,)`.

    - `year >= 1990`, `1980 <= year < 1990`, `price != 0`: with a number, the values of a column are compared as numbers. Missing
      ones meet `!=` only, as do a few that are no numbers, with a warning.
    - `brand == 'Acme'`, `released < '1995-06-01'`: with a text, they are compared as texts, character by character.
    - `brand in ['Acme', 'Apex']`, `year not in [1990, 1991]`: whether a value is one of several.
    - `'Comedy' in genres`: whether it is the value of a column, or a member of its list, with `|` between the members.
    - `and`, `or`, `not` and parentheses; `&`, `|` and `~` between comparisons in parentheses, as in pandas.
    - Names that Python would not allow are put in backticks: `` `release year` > 1990 ``.

    Args:
        condition: String, the condition.
        columns: Columns of texts by name, `(rows,)` each; `""` is a missing value.

    Raises:
        ValueError: If it is not such a condition, if there is no such column, or if a number is compared with a column most of
            whose values are no numbers.

    Example:

    >>> table = {"year": ["1995", "", "1988"], "genres": ["Comedy|Crime", "Comedy", "Drama"]}
    >>> matches("'Comedy' in genres and year >= 1990", table).tolist()
    [True, False, False]
    """
    return _Evaluation(condition, columns).mask(_parsed(condition))


def _parsed(condition: str) -> ast.expr:
    if not isinstance(condition, str) or not condition.strip() or len(condition) > _LONGEST:
        raise ValueError(
            f'A condition must be a text of at most {_LONGEST:,} characters, such as "year >= 1990". Received: {condition!r:.100}'
        )
    # The name of a column that Python cannot parse stands as the key of a subscript, which conditions do not have otherwise.
    plain = _BACKTICKS.sub(lambda found: found[0] if found[1] is None else f"_[{found[1]!r}]", condition.strip())
    try:
        return ast.parse(plain, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise ValueError(
            f"A condition must compare columns with values, such as \"year >= 1990 and 'Comedy' in genres\" ({reason}). "
            f"Received: {condition!r}"
        ) from error


class _Evaluation:
    """The evaluation of one condition."""

    def __init__(self, condition: str, columns: Mapping[str, Sequence[str]]) -> None:
        self.condition, self.columns = condition, columns

    def mask(self, node: ast.expr) -> np.ndarray:
        if isinstance(node, ast.BoolOp):
            combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return combine.reduce([self.mask(part) for part in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            combine = np.logical_and if isinstance(node.op, ast.BitAnd) else np.logical_or
            return combine(self.mask(node.left), self.mask(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.Invert)):
            return ~self.mask(node.operand)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = zip(sides[:-1], node.ops, sides[1:], strict=True)
            return np.logical_and.reduce([self._comparison(*pair) for pair in pairs])
        raise self._error(node, "a comparison, `and`, `or` or `not`")

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> np.ndarray:
        if isinstance(op, (ast.In, ast.NotIn)):
            found = self._within(left, right)
            return ~found if isinstance(op, ast.NotIn) else found
        if type(op) not in _ORDER:
            raise self._error(left, "==, !=, <, <=, >, >=, in or not in")
        if self._is_column(left):
            return self._compared(self._column(left), type(op), self._value(right))
        return self._compared(self._column(right), _MIRRORED.get(type(op), type(op)), self._value(left))

    def _within(self, left: ast.expr, right: ast.expr) -> np.ndarray:
        if self._is_column(left) and isinstance(right, (ast.List, ast.Tuple, ast.Set)):
            name, values = self._column(left), [self._value(one) for one in right.elts]
            rows = len(self.columns[name])
            return np.logical_or.reduce([np.zeros(rows, bool), *(self._compared(name, ast.Eq, one) for one in values)])
        value, name = self._value(left), self._column(right)
        if not isinstance(value, str):
            value = str(value)
        return np.array([text == value or value in members(text) for text in self.columns[name]], bool)

    def _compared(self, name: str, op: type, value: str | float) -> np.ndarray:
        compare = _ORDER[op]
        if isinstance(value, str):
            return np.array([compare(text, value) for text in self.columns[name]], bool)
        return np.asarray(compare(self._numbers(name), value), bool)

    def _numbers(self, name: str) -> np.ndarray:
        texts = np.array(self.columns[name], object)
        numbers = np.asarray(pd.to_numeric(pd.Series(texts), errors="coerce"), np.float64)
        other = np.isnan(numbers) & (texts != "")
        if np.count_nonzero(other) > np.count_nonzero(~np.isnan(numbers)):
            raise ValueError(
                f"The column {name!r} must hold numbers to be compared with a number; a text is put in quotes. "
                f"Received: {texts[other][0]!r} in the column, in the condition {self.condition!r}"
            )
        if other.any():
            logger.warning(
                "The column %r holds %d values that are no numbers, such as %r: they count as missing in %r.",
                *(name, np.count_nonzero(other), texts[other][0], self.condition),
            )
        return numbers

    def _is_column(self, node: ast.expr) -> bool:
        return isinstance(node, (ast.Name, ast.Subscript))

    def _column(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            name = node.id
        elif (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id == "_"
            and isinstance(node.slice, ast.Constant)
        ):
            name = str(node.slice.value)
        else:
            raise self._error(node, "a column")
        if name not in self.columns:
            raise ValueError(
                f"A condition must name columns of the item table, which are {sorted(self.columns)}; texts are put in quotes. "
                f"Received: {name!r} in {self.condition!r}"
            )
        return name

    def _value(self, node: ast.expr) -> str | float:
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        constant = node.operand if isinstance(node, ast.UnaryOp) and negative else node
        value = constant.value if isinstance(constant, ast.Constant) else None
        if isinstance(value, str) and not negative:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if abs(value) > _EXACT:
                raise ValueError(
                    f"Numbers in a condition must be at most 2^53; write larger ones as texts, in quotes. Received: {value}"
                )
            return -value if negative else value
        raise self._error(node, "a text in quotes or a number")

    def _error(self, node: ast.expr, expected: str) -> ValueError:
        return ValueError(
            f"A condition compares columns with values, such as \"year >= 1990 and 'Comedy' in genres\": expected {expected}. "
            f"Received: {ast.unparse(node)!r} in {self.condition!r}"
        )


def members(text: str) -> list[str]:
    """Returns the members of the list in a value, which is one member if it has no `|`; none if it is missing.

    Example:

    >>> members("Comedy|Drama")
    ['Comedy', 'Drama']
    """
    return [member for member in text.split(LIST_SEPARATOR) if member]
