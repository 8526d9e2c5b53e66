"""Names for a made-up catalogue: a taxonomy of real words, and titles that a person can judge."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

TAXONOMY: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Home": {
        "Lighting": ("Floor Lamp", "Desk Lamp", "Lantern", "Chandelier", "Candle"),
        "Kitchen": ("Teapot", "Skillet", "Mixing Bowl", "Cutting Board", "Coffee Grinder"),
        "Furniture": ("Armchair", "Bookcase", "Side Table", "Bar Stool", "Wardrobe"),
        "Bedding": ("Quilt", "Pillow", "Blanket", "Mattress", "Bed Sheet"),
        "Bath": ("Towel", "Bath Mat", "Soap Dish", "Shower Curtain", "Bathrobe"),
    },
    "Outdoors": {
        "Camping": ("Tent", "Sleeping Bag", "Camp Stove", "Headlamp", "Hammock"),
        "Cycling": ("Bicycle Helmet", "Saddle", "Pannier", "Bicycle Pump", "Cycling Jersey"),
        "Garden": ("Watering Can", "Pruning Shears", "Wheelbarrow", "Flower Pot", "Garden Hose"),
        "Fishing": ("Fishing Rod", "Tackle Box", "Landing Net", "Wading Boots", "Fishing Lure"),
        "Climbing": ("Climbing Rope", "Harness", "Carabiner", "Chalk Bag", "Climbing Shoes"),
    },
    "Books": {
        "Fiction": ("Detective Novel", "Historical Novel", "Love Story", "Ghost Story", "Space Opera"),
        "Children's Books": ("Picture Book", "Fairy Tale", "Alphabet Book", "Bedtime Story", "Puzzle Book"),
        "Cooking": ("Bread Cookbook", "Soup Cookbook", "Dessert Cookbook", "Grill Cookbook", "Pasta Cookbook"),
        "Travel": ("City Guide", "Road Atlas", "Travel Diary", "Phrase Book", "Hiking Guide"),
        "Science": ("Astronomy Primer", "Bird Guide", "Algebra Textbook", "Fossil Handbook", "Chemistry Primer"),
    },
    "Music": {
        "Strings": ("Violin", "Acoustic Guitar", "Ukulele", "Cello", "Harp"),
        "Winds": ("Flute", "Clarinet", "Saxophone", "Harmonica", "Trumpet"),
        "Percussion": ("Snare Drum", "Cymbal", "Tambourine", "Xylophone", "Bongos"),
        "Studio": ("Microphone", "Mixing Desk", "Studio Headphones", "Audio Interface", "Music Stand"),
        "Keyboards": ("Digital Piano", "Synthesizer", "Accordion", "Melodica", "Organ"),
    },
    "Clothing": {
        "Shoes": ("Sneakers", "Sandals", "Ankle Boots", "Loafers", "Slippers"),
        "Outerwear": ("Raincoat", "Parka", "Trench Coat", "Denim Jacket", "Poncho"),
        "Accessories": ("Scarf", "Leather Belt", "Sun Hat", "Gloves", "Necktie"),
        "Knitwear": ("Cardigan", "Turtleneck", "Knitted Vest", "Wool Socks", "Pullover"),
        "Bags": ("Backpack", "Tote Bag", "Suitcase", "Wallet", "Handbag"),
    },
}
"""Departments, their categories, and the kinds of things in these, singular or as they are sold."""

# Siblings beyond those of the taxonomy are a line of one of these, and levels below the kinds are styles of a kind.
_LINES = ("Vintage", "Junior", "Travel", "Premium", "Workshop", "Holiday")
_STYLES = (
    *("Classic", "Modern", "Rustic", "Folding", "Miniature", "Painted", "Striped", "Handmade", "Recycled", "Limited"),
    *("Portable", "Heavy-Duty", "Floral", "Checked", "Plain", "Engraved", "Waterproof", "Insulated", "Quilted"),
    *("Woven", "Polished", "Adjustable", "Oversized", "Slim", "Double", "Collapsible"),
)
_ADJECTIVES = (
    *(
        "Amber",
        "Azure",
        "Bright",
        "Bronze",
        "Calm",
        "Coral",
        "Cosy",
        "Crimson",
        "Dappled",
        "Eager",
        "Emerald",
        "Fabled",
    ),
    *(
        "Frosted",
        "Gentle",
        "Gilded",
        "Golden",
        "Grand",
        "Hazel",
        "Hidden",
        "Indigo",
        "Ivory",
        "Jolly",
        "Lively",
        "Lucky",
    ),
    *("Mellow", "Midnight", "Misty", "Noble", "Pearl", "Quiet", "Rosy", "Ruby", "Scarlet", "Silver", "Sunny", "Swift"),
    *("Tawny", "Velvet", "Violet", "Winter"),
)
_PLACES = (
    *(
        "Alpine",
        "Andes",
        "Antwerp",
        "Bergen",
        "Bordeaux",
        "Bristol",
        "Cairo",
        "Como",
        "Cork",
        "Danube",
        "Delft",
        "Dover",
    ),
    *("Elba", "Fjord", "Geneva", "Granada", "Harbour", "Island", "Kyoto", "Lapland", "Lisbon", "Lofoten", "Madeira"),
    *("Meadow", "Nile", "Oslo", "Oxford", "Parma", "Prairie", "Quebec", "Riviera", "Salzburg", "Savannah", "Siena"),
    *("Sydney", "Tahiti", "Toledo", "Tundra", "Vienna", "Yukon"),
)


def category_paths(depth: int, branching: int) -> list[tuple[str, ...]]:
    """Returns the path of each leaf of a tree of categories, most general first, in the order of the leaves.

    A tree of three levels has departments, categories and kinds; one of fewer levels only the lowest of these; one of more
    levels also has styles of each kind.

    Args:
        depth: the number of levels below the root, at least 1.
        branching: the number of children per node, 2 to 26.

    Returns:
        `branching ** depth` distinct paths.

    Example:

    >>> category_paths(depth=3, branching=2)[:3]
    [('Home', 'Lighting', 'Floor Lamp'), ('Home', 'Lighting', 'Desk Lamp'), ('Home', 'Kitchen', 'Teapot')]
    """
    categories = {name: kinds for department in TAXONOMY.values() for name, kinds in department.items()}
    kinds = tuple(itertools.chain.from_iterable(categories.values()))
    top: Mapping | Sequence[str] = kinds if depth == 1 else categories if depth == 2 else TAXONOMY
    return list(_walk(top, depth, branching))


def _walk(names: Mapping | Sequence[str], depth: int, branching: int) -> Iterator[tuple[str, ...]]:
    for number in range(branching):
        line, place = divmod(number, len(names))
        known = list(names)[place]
        name = known if line == 0 else f"{_LINES[line - 1]} {known}"
        if depth == 1:
            yield (name,)
            continue
        below = names[known] if isinstance(names, Mapping) else [f"{style} {name}" for style in _STYLES]
        for rest in _walk(below, depth - 1, branching):
            yield (name, *rest)


def titles(kinds: Sequence[str], numbers: Sequence[int], seed: int) -> list[str]:
    """Returns distinct titles, such as "Amber Teapot" or "Quiet Lisbon Teapot".

    Args:
        kinds: the kind of each item.
        numbers: the place of each item among those of its kind, from 0.
        seed: the seed of the order of adjectives, which differs from kind to kind.

    Returns:
        One title per item. A title that was given before is followed by a number.

    Example:

    >>> titles(["Teapot", "Teapot"], [0, 1], seed=0)
    ['Silver Teapot', 'Lively Teapot']
    """
    rng = np.random.default_rng([seed, 1])
    orders = {kind: (rng.permutation(_ADJECTIVES), rng.permutation(_PLACES)) for kind in dict.fromkeys(kinds)}
    given: collections.Counter[str] = collections.Counter()
    made = []
    for kind, number in zip(kinds, numbers, strict=True):
        adjectives, places = orders[kind]
        round_, at = divmod(number, len(adjectives))
        # The first round has no place, the next ones a different place for each adjective.
        place = (
            "" if round_ % (len(places) + 1) == 0 else f"{places[(round_ % (len(places) + 1) - 1 + at) % len(places)]} "
        )
        title = f"{adjectives[at]} {place}{kind}"
        given[title] += 1
        made.append(title if given[title] == 1 else f"{title} No. {given[title]}")
    return made
