"""What happened, counted."""

from __future__ import annotations

from collections import Counter

BAD = "BAD: "
"""What begins so must not happen."""


class Counts:
    """Counts of what happened, by a name; for the first few bad ones also how to repeat them."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.numbers: Counter[str] = Counter()
        self.examples: list[str] = []

    def add(self, what: str, example: str = "") -> None:
        """Counts one; if it is bad, keeps the example."""
        self.numbers[what] += 1
        if what.startswith(BAD) and len(self.examples) < 10:
            self.examples.append(f"{what.removeprefix(BAD)}: {example}")

    @property
    def bad(self) -> int:
        """How many bad ones there were."""
        return sum(number for what, number in self.numbers.items() if what.startswith(BAD))

    def show(self) -> None:
        """Prints the counts."""
        print(f"\n{self.title}: {sum(self.numbers.values())} cases, {self.bad} bad", flush=True)
        for what, number in sorted(self.numbers.items()):
            print(f"  {number:6d}  {what}")
        for example in self.examples:
            print(f"  - {example[:400]}")


def expected(error: Exception) -> bool:
    """Whether an error is one of those that the command line shows as one line, with a message that says what it is about."""
    return isinstance(error, (ValueError, TypeError, OSError)) and ("`" in str(error) or "Received" in str(error))
