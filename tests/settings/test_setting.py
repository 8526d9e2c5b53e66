"""What a declared setting accepts, and what it makes of it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal

import numpy as np
import pytest

from hyperml_tf.settings import Settings, setting, settings_of
from hyperml_tf.settings.documentation import documented, settings_table


@documented
@dataclasses.dataclass(frozen=True)
class Bicycle(Settings):
    """A bicycle.

    Args: the fields below.
    """

    gears: int = setting(7, "Number of gears.", at_least=1, below=100, search=[1, 7])
    weight: float | None = setting(None, "Weight in kg.", above=0, auto="that of the frame")
    frame: Literal["steel", "carbon"] = setting("steel", "Material.")
    range: float = setting(50.0, "Range in km.", above=0, infinite=True)
    owner: str | None = setting(None, "Whose it is.", also=(False,))


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("gears", np.int64(3), 3),
        ("gears", np.uint8(3), 3),
        ("gears", 3.0, 3),
        ("gears", np.float32(3), 3),
        ("weight", 12, 12.0),
        ("weight", np.float32(12.5), 12.5),
        ("weight", np.int32(12), 12.0),
        ("weight", None, None),
        ("frame", "carbon", "carbon"),
        ("frame", np.str_("carbon"), "carbon"),
        ("range", math.inf, math.inf),
        ("range", np.float64("inf"), math.inf),
        ("range", "inf", math.inf),
        ("owner", "ann", "ann"),
        ("owner", False, False),
    ],
)
def test_values_become_plain_python(name: str, value: Any, plain: Any) -> None:
    got = getattr(Bicycle(**{name: value}), name)
    assert got == plain
    assert type(got) is type(plain)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gears", 0, "an integer >= 1 and < 100"),
        ("gears", 100, "an integer >= 1 and < 100"),
        ("gears", 2.5, "an integer >= 1 and < 100"),
        ("gears", True, "an integer >= 1 and < 100"),
        ("gears", "3", "an integer >= 1 and < 100"),
        ("gears", None, "an integer >= 1 and < 100"),
        ("gears", math.inf, "an integer >= 1 and < 100"),
        ("weight", 0, "a finite number > 0"),
        ("weight", math.nan, "a finite number > 0"),
        ("weight", math.inf, "a finite number > 0"),
        ("weight", "inf", "a finite number > 0"),
        ("weight", [1.0], "a finite number > 0"),
        ("frame", "wood", "one of ('steel', 'carbon')"),
        ("frame", 1, "one of ('steel', 'carbon')"),
        ("range", -math.inf, 'a number > 0 or "inf"'),
        ("range", math.nan, 'a number > 0 or "inf"'),
        ("owner", 0, "a string"),
    ],
)
def test_errors_name_the_setting_what_it_takes_and_what_was_received(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the whole message is compared
        Bicycle(**{name: value})
    assert str(raised.value) == f"`{name}` must be {expected}. Received: {name}={value!r}"


def test_a_dictionary_holds_what_json_can() -> None:
    bicycle = Bicycle(range=math.inf)
    assert bicycle.to_dict() == {"gears": 7, "weight": None, "frame": "steel", "range": "inf", "owner": None}
    assert Bicycle.from_dict(bicycle.to_dict()) == bicycle
    with pytest.raises(ValueError, match=r"Unknown settings \['bell'\]. Known: \['frame', "):
        Bicycle.from_dict({"bell": 1})


def test_the_docstring_and_the_table_come_from_the_declarations() -> None:
    assert "gears: Integer >= 1 and < 100. Number of gears. Defaults to `7`." in str(Bicycle.__doc__)
    assert "weight: Optional float > 0. Weight in kg. Defaults to that of the frame." in str(Bicycle.__doc__)
    rows = settings_table(settings_of(Bicycle).values()).splitlines()
    assert rows[2] == "| `gears` | `7` | >= 1 and < 100 | 1, 7 | Number of gears. |"
    assert rows[4] == '| `frame` | `"steel"` | "steel" or "carbon" |  | Material. |'


def test_switches_are_booleans() -> None:
    @dataclasses.dataclass(frozen=True)
    class Lamp(Settings):
        on: bool = setting(False, "Whether it is on.")

    assert Lamp(on=True).to_dict() == {"on": True}
    for value in (1, "true", None):
        with pytest.raises(ValueError, match=f"`on` must be true or false. Received: on={value!r}"):
            Lamp(on=value)  # type: ignore[arg-type]
