"""How much of a table a report looks at."""

from __future__ import annotations

import dataclasses

from hyperml_tf._argument_checks import check_positive_integer


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Sizes of the random samples of a report. Where a table has less, all of it is used.

    Args:
        seed: Integer, random seed of all samples. Defaults to `0`.
        users: Integer, number of users whose lists and held-out items are ranked. Defaults to `5000`.
        pairs: Integer, number of pairs of users and items of each kind, whose distances are compared. Defaults to `20_000`.
        sources: Integer, number of items from which paths in the item graph are measured. Defaults to `300`.
        delta_size: Integer >= 4, number of items in a sample of Gromov's delta. Defaults to `64`.
        delta_samples: Integer, number of such samples. Defaults to `20`.
        neighbours: Integer, number of items to which the item graph links each. It is doubled up to three times while the largest
            connected part has less than half of the items. Defaults to `10`.

    Raises:
        ValueError: If a size is not a positive integer, or `delta_size` is below 4.

    Example:

    >>> Sampling(users=100).pairs
    20000
    """

    seed: int = 0
    users: int = 5000
    pairs: int = 20_000
    sources: int = 300
    delta_size: int = 64
    delta_samples: int = 20
    neighbours: int = 10

    def __post_init__(self) -> None:
        check_positive_integer(**{name: size for name, size in dataclasses.asdict(self).items() if name != "seed"})
        if self.delta_size < 4:
            raise ValueError(f"`delta_size` must be at least 4. Received: delta_size={self.delta_size}")
