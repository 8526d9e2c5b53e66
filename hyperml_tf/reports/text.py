"""What a report says, from its numbers."""

from __future__ import annotations

from typing import Any

from hyperml_tf.reports.bands import ITEM_BANDS, USER_BANDS
from hyperml_tf.reports.document import Block, Bullets, Heading, Paragraph, Picture, Table
from hyperml_tf.reports.hyperbolicity import DIAMETER

ANSWERS = {
    "yes": "Yes: both this table and the space that was learned from it have the shape of a hierarchy.",
    "partly": "Partly: some signs of a hierarchy are there, others are not.",
    "no": "No sign of it: neither the item graph of this table nor the radii that were learned have the shape of a hierarchy.",
    "unknown": "Unknown: the table is too small to measure it.",
}
_SIDES = {"for": "For", "against": "Against", "open": "Undecided"}
_MATRICES = {
    "graph": "item graph",
    "random graph": "random graph, same degrees",
    "learned": "learned distances",
    "learned, flat": "the same points in flat space",
}
_NAMES_SHOWN, _LONGEST = 2, 60


def document(numbers: dict[str, Any], without_pictures: str | None = None) -> list[Block]:
    """Returns the document of a report.

    Args:
        numbers: The numbers of the report.
        without_pictures: Optional string, why there are no pictures.
    """
    run = numbers["run"]
    title = (
        f"{run['users']:,} users, {run['items']:,} items, {run['training_rows']:,} training rows; "
        f"{run['dim']} dimensions, curvature {run['curvature']:.3g}, {run['epochs']} epochs, split {run['split']}."
    )
    return [
        Heading("Does hyperbolic space suit this table?", 1),
        Paragraph(title),
        *([Paragraph(without_pictures)] if without_pictures else []),
        *_verdict(numbers),
        *_radius(numbers),
        *_structure(numbers),
        *_pairs(numbers),
        *_bands(numbers),
        *_lists(numbers),
        *_training(numbers),
        *_sampling(numbers),
    ]


def _verdict(numbers: dict[str, Any]) -> list[Block]:
    found = numbers["verdict"]
    reasons = [f"{_SIDES[side]}: {text}." for side in _SIDES for text in found[side]]
    return [
        Paragraph(ANSWERS[found["answer"]], strong=True),
        Bullets(reasons),
        Paragraph(
            "What this does not prove: which space recommends better. A table without a hierarchy may gain from curvature, and "
            "one with a hierarchy may not. Train the same run with --curvature 0 and compare the test metrics, over several "
            "seeds. Learned radii are those of one training, and after few epochs items are still about where they were drawn. "
            "The item graph is one of many that could be made of the table."
        ),
    ]


def _radius(numbers: dict[str, Any]) -> list[Block]:
    radius, c = numbers["radius"], numbers["run"]["curvature"]
    low, middle, high = radius["quartiles"]
    text = (
        "In a tree that is embedded in hyperbolic space, what is general lies near the origin and what is special far from it. "
        f"Half of the {radius['items']:,} items with training rows are at a distance of {_length(low)} to "
        f"{_length(high)} from the origin, the median is {_length(middle)}, the farthest {_length(radius['largest'])}. "
    )
    if c > 0:
        text += f"In units of the curvature, sqrt(c) times the distance, the median is {_length(c**0.5 * middle)}. "
    medians = ", ".join(f"{name} {_length(value)}" for name, value in radius["bands"].items() if value is not None)
    text += (
        f"Rank correlation with popularity: {_correlation(radius['popularity'])}. Medians of items by popularity, each with a "
        f"third of the rows: {medians}."
    )
    blocks: list[Block] = [Heading("Distance from the origin"), Paragraph(text), *_depth(radius["categories"])]
    deep = radius["categories"] is not None and radius["categories"]["is_hierarchy"]
    by = "popularity, and by depth of the category" if deep else "popularity"
    blocks.append(Picture("radius", f"Distance of items from the origin, by {by}."))
    for name, title in (("nearest", "nearest to the origin"), ("farthest", "farthest from the origin")):
        rows = [[*_names(entry), _length(entry["radius"]), f"{entry['rows']:,}"] for entry in radius[name]]
        columns = list(radius[name][0]["details"])[:_NAMES_SHOWN] if radius[name] else []
        blocks.append(Table([f"items {title}", *columns, "distance", "rows"], rows, 1 + len(columns)))
    return blocks


def _length(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:#.3g}"


def _depth(categories: dict[str, Any] | None) -> list[Block]:
    if categories is None:
        return [Paragraph("There is no column of categories, so nothing is said about their depth.")]
    column, share = categories["column"], categories["general_first"]
    if not categories["is_hierarchy"]:
        said = "no lists" if share is None else f"the more general category first in {share:.0%} of the places"
        return [
            Paragraph(
                f"The column {column} is no hierarchy: its lists have {said}; paths from the general to the special would have "
                "at least 80%. So their length is no depth, and nothing is said about it."
            )
        ]
    given = categories["given_popularity"]
    partial = "" if given is None else f"; once popularity is given, {given:+.2f}"
    return [
        Paragraph(
            f"Rank correlation with the depth of the category (column {column}): {_correlation(categories['depth'])}{partial}."
        )
    ]


def _correlation(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not defined, because one of the two is constant"
    return f"{found['spearman']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f}, {found['items']:,} items)"


def _names(entry: dict[str, Any]) -> list[str]:
    names = [str(entry["item"]), *list(entry["details"].values())[:_NAMES_SHOWN]]
    return [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]


def _structure(numbers: dict[str, Any]) -> list[Block]:
    graph, delta, sampling = numbers["graph"], numbers["delta"], numbers["sampling"]
    heading = Heading("Is the data like a tree?")
    text = (
        f"The item graph links each item with the {graph['neighbours']} items whose users are most alike (cosine of training "
        f"rows): {graph['links']:,} links, counted over {graph['users']:,} users. "
        f"{graph['component']:,} of {graph['items']:,} items ({graph['share']:.0%}) are connected, and measured."
    )
    if delta is None:
        return [heading, Paragraph(f"{text} These are too few.")]
    return [
        heading,
        Paragraph(text),
        Paragraph(
            "Gromov's delta says how far four points are from being on a tree, in the worst case. Relative to the diameter it "
            f"is 0 for a tree and 1 for a circle. It is taken in {sampling['delta_samples']} samples of "
            f"{sampling['delta_size']} items, of which the table has the mean and the 95% range. It grows with the size of the "
            "samples, so compare it within this table, or with reports of the same sampling. The random graph has the degrees "
            "of the item graph and no other structure; flat space has the tangent vectors of the learned points."
        ),
        Picture("delta", "Gromov's delta relative to the diameter: mean and range over samples."),
        Table(
            ["distances", "relative delta", "range", "delta", "diameter", f"c at {DIAMETER}", "c at own scale"],
            [_delta_row(_MATRICES[name], found) for name, found in delta.items() if found is not None],
        ),
        Paragraph(
            f"The curvature that a delta suggests, c = (0.144 / relative delta)^2, is for distances with a diameter of "
            f"{DIAMETER} (Khrulkov et al., 2020). At its own scale, that of the largest distance among the sampled items, the "
            f"same delta suggests c times ({DIAMETER} / diameter)^2. Both are rough, and no setting to copy: the scale of "
            "learned distances follows from the margin of the loss."
        ),
        *_agreement(numbers),
    ]


def _delta_row(name: str, found: dict[str, Any]) -> list[str]:
    interval = f"{found['low']:.2f} to {found['high']:.2f}"
    values = [f"{found['relative']:.3f}", interval, f"{found['delta']:.2f}", f"{found['diameter']:.2f}"]
    return [name, *values, _curvature(found["curvature"]), _curvature(found["curvature_at_own_scale"])]


def _curvature(value: float | None) -> str:
    return "unbounded" if value is None else _length(value)


def _agreement(numbers: dict[str, Any]) -> list[Block]:
    agreement, graph = numbers["agreement"], numbers["graph"]
    if agreement is None:
        return []
    return [
        Heading("Does the learned space agree with the item graph?"),
        Paragraph(
            f"From {graph['sources']:,} items to all connected ones. Distortion, the mean relative error of learned distances "
            f"against shortest paths at the best unit of length: {agreement['distortion']:.3f}; "
            f"{agreement['distortion_of_equal_distances']:.3f} if all distances were equal. Mean average precision, with which "
            f"the nearest items are those linked: {agreement['mean_average_precision']:.3f}; items at random would have about "
            f"{agreement['share_of_neighbours']:.3f}. The model was trained on users and items, not on this graph."
        ),
        Picture(
            "graph",
            "Learned distance of two items by the links between them; a perfect embedding is on the dashed line.",
        ),
    ]


def _pairs(numbers: dict[str, Any]) -> list[Block]:
    pairs = numbers["pairs"]
    heading = Heading("Observed and unobserved pairs")
    if pairs is None:
        return [heading, Paragraph("There are no users with an item that they do not have.")]
    rows = []
    for kind in ("training", "test"):
        if kind in pairs:
            found = pairs[kind]
            shares = [f"{found[name]:.3f}" for name in ("auc", "auc_popularity", "nearer", "more_popular")]
            rows.append(
                [kind, f"{found['pairs']:,}", _length(found["median"]), _length(found["unobserved_median"]), *shares]
            )
    return [
        heading,
        Paragraph(
            "For each observed pair a random item that the user does not have. Training items are in the histories that place "
            "users, so the test pairs are the fair comparison. AUC compares all pairs with each other; the last two columns "
            "each pair with that of the same user. Random items are unpopular, so popularity alone does well here."
        ),
        Picture("pairs", "Distances of observed and unobserved pairs; the last bar has the farthest 1%, however far."),
        Table(
            [
                *("pairs of", "number", "median distance", "unobserved"),
                *("AUC", "of popularity", "observed is nearer", "is more popular"),
            ],
            rows,
        ),
    ]


def _bands(numbers: dict[str, Any]) -> list[Block]:
    model, popularity = (numbers["answers"][who]["test"] for who in ("model", "popularity"))
    if model is None:
        return []
    bands = [
        ("all", model["all"], popularity["all"]),
        *((f"items: {name}", model["items"][name], popularity["items"][name]) for name in ITEM_BANDS),
        *((f"users: {name}", model["users"][name], popularity["users"][name]) for name in USER_BANDS),
    ]
    names = ("full_ndcg@10", "full_hr@10", "sampled100_ndcg@10")
    rows = [
        [title, f"{own['users']:,}", *(_number(values.get(name)) for name in names for values in (own, base))]
        for title, own, base in bands
    ]
    exact = numbers["run"]["metrics"]
    said = (
        f" Over all users, nDCG@10 among all items is {exact['test']['full_ndcg@10']:.4f}, of popularity "
        f"{exact['popularity']['test']['full_ndcg@10']:.4f} (metrics.json)."
        if "test" in exact
        else ""
    )
    return [
        Heading("Who is served well?"),
        Paragraph(
            f"Test items of {model['all']['users']:,} users. The head are the most popular items with a third of all training "
            "rows, the tail the least popular with a third; users are divided at the terciles of their number of training rows. "
            f"Test items are ranked among all items, or among 100 random ones; beside each metric is that of popularity.{said}"
        ),
        Picture("bands", "nDCG@10 of test items by band."),
        Table(["band", "users", *(title for name in names for title in (_METRICS[name], "popularity"))], rows),
    ]


_METRICS = {"full_ndcg@10": "nDCG@10", "full_hr@10": "HR@10", "sampled100_ndcg@10": "nDCG@10 of 100"}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _lists(numbers: dict[str, Any]) -> list[Block]:
    answers, users = numbers["answers"], numbers["sampling"]["evaluated_users"]
    titles = {
        "coverage": "share of the catalogue in at least one list",
        "novelty": "mean self-information of items, bits",
        "diversity": "mean learned distance of two items of a list",
        "distinct_categories": "distinct categories of a list, as a share of all",
        "popularity_lift": "how much more popular than what users have",
        "share_of_head": "share of items of the head",
    }
    rows = [
        [title, *(_measure(answers[who]["lists"][name]) for who in ("model", "popularity"))]
        for name, title in titles.items()
        if answers["model"]["lists"][name] is not None
    ]
    tests = [answers[who]["test"] for who in ("model", "popularity")]
    if tests[0] is not None:
        rows.insert(0, ["nDCG@10 among all items", *(f"{test['all']['full_ndcg@10']:.4f}" for test in tests)])
    return [
        Heading("What are the lists like?"),
        Paragraph(
            f"The ten best items for {users:,} users, without those that they have. Coverage grows with the number of users. "
            "A lift of 0 is that of lists as popular as what users have, 1 of twice as popular ones."
        ),
        Picture(
            "lists",
            "Accuracy beside other qualities of lists: upwards and to the right is better, but for popularity lift.",
        ),
        Table(["of the ten best", "model", "popularity"], rows),
    ]


def _measure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _training(numbers: dict[str, Any]) -> list[Block]:
    if not numbers["history"]:
        return []
    return [Heading("Training"), Picture("training", "Loss, and nDCG@10 of validation rows, after each epoch.")]


def _sampling(numbers: dict[str, Any]) -> list[Block]:
    sampling = numbers["sampling"]
    return [
        Heading("What was sampled"),
        Paragraph(
            f"Random seed {sampling['seed']}; up to {sampling['users']:,} users, {sampling['pairs']:,} pairs of each kind, "
            f"{sampling['sources']:,} items from which paths are measured, {sampling['delta_samples']} samples of "
            f"{sampling['delta_size']} items for delta. The same run and seed give the same report. All numbers are in "
            "report.json."
        ),
    ]
