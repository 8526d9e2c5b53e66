"""The models of the comparison, their training, and the settings they are tuned over.

Each tuned model has a list of settings in a fixed order, the most promising first. `--trials N` tries the first `N`. HyperML runs
with its defaults and is not tuned.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fitting import Settings, train_baseline, train_hyperml
from rivals import embeddings
from rivals.ease import EASE
from rivals.implicit_models import ImplicitModel
from rivals.item_knn import ItemKNN
from rivals.other_environment import interpreter

from hyperml_tf.models.baselines import CML, LRML, MFBPR, EuclideanTwin, Popularity
from hyperml_tf.runs.held_out import HeldOut, MakeScorer

Train = Callable[[HeldOut, int, Settings], MakeScorer]
"""Trains a model once, given the split, a seed and the settings."""


@dataclasses.dataclass(frozen=True)
class Overrides:
    """Settings that replace defaults, for a quick look.

    Args:
        epochs: the number of epochs of all models that are trained in epochs.
        dim: the dimension of all models that have one.
        hyperml: settings of HyperML only: arguments of the model, or `learning_rate`, `epochs`, `batch_size`.
    """

    epochs: int | None = None
    dim: int | None = None
    hyperml: Settings = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Contender:
    """A model of the comparison.

    Args:
        title: its name in tables.
        kind: the kind of model, a key of `KINDS`.
        train: see `Train`.
        grid: the settings it is tuned over, in order; empty for no tuning.
        overridable: which of `epochs` and `dim` the model has.
        deterministic: whether the model is independent of the seed.
        knows_order: the splits with which the model knows the order of a user's items.
        knows_history: whether the model computes a user from their items, and thus knows the validation item in the test; other
            models learn a vector per user.
        needs: the modules without which it is left out, in this environment or in another one.
    """

    title: str
    kind: str
    train: Train
    grid: tuple[Settings, ...] = ()
    overridable: tuple[str, ...] = ("epochs", "dim")
    deterministic: bool = False
    knows_order: tuple[str, ...] = ()
    knows_history: bool = False
    needs: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        """Whether an environment has what the model needs, see `rivals.other_environment`."""
        return interpreter(*self.needs) is not None

    def overrides(self, asked: Overrides) -> dict[str, Any]:
        """The overrides that apply to this model."""
        given = {name: getattr(asked, name) for name in self.overridable}
        own = asked.hyperml if self.kind == "hyperbolic" else {}
        return {**{name: value for name, value in given.items() if value is not None}, **own}


KINDS = {
    "hyperbolic": "hyperbolic",
    "twin": "the Euclidean twin",
    "metric": "Euclidean metric learner",
    "bpr": "MF-BPR",
    "factorization": "other factorization",
    "linear": "linear model",
    "graph": "graph model",
    "sequential": "sequential model",
    "popularity": "popularity",
}


def grid(names: str, *rows: tuple[Any, ...]) -> tuple[Settings, ...]:
    """Settings from rows of values and their names, which are separated by spaces."""
    return tuple(dict(zip(names.split(), row, strict=True)) for row in rows)


def _hyperml(**fixed: Any) -> Train:
    return lambda held_out, seed, settings: train_hyperml(held_out, seed, {**fixed, **settings})


def _baseline(model_class: Any, **fixed: Any) -> Train:
    return lambda held_out, seed, settings: train_baseline(model_class, held_out, seed, {**fixed, **settings})


def _linear(model_class: Any) -> Train:
    return lambda held_out, _, settings: _fitted(model_class.from_interactions(held_out.split.train, **settings))


def _implicit(make: Any) -> Train:
    return lambda held_out, seed, settings: _fitted(make(held_out.split.train, seed=seed, **{"dim": 64, **settings}))


def _fitted(model: Any) -> MakeScorer:
    model.fit()
    return model.scorer


def _popularity(held_out: HeldOut, seed: int, settings: Settings) -> MakeScorer:
    model = Popularity.from_interactions(held_out.split.train)
    model.fit(held_out.split.train)
    return model.scorer


def _elsewhere(worker: str, needs: tuple[str, ...], **fixed: Any) -> Train:
    """A model that is trained in another process, and ends after `patience` epochs without progress or `seconds` of CPU time."""
    always = {"dim": 64, "epochs": 200, "patience": 15, "seconds": 1200, "threads": 1, **fixed}
    return lambda held_out, seed, settings: (
        embeddings.train(worker, needs, held_out, {**always, "seed": seed, **settings}).scorer
    )


_RECTOOLS, _PYG = ("rectools", "pytorch_lightning"), ("torch_geometric",)


def _sequential(title: str, model: str, loss: str, negatives: int) -> Contender:
    train = _elsewhere(
        "rectools_worker.py", _RECTOOLS, model=model, loss=loss, negatives=negatives, heads=1, batch_size=128
    )
    return Contender(
        title,
        "sequential",
        train,
        grid(
            "dropout blocks learning_rate",
            (0.2, 1, 0.001),
            (0.5, 1, 0.001),
            (0.2, 2, 0.001),
            (0.5, 2, 0.001),
            (0.2, 1, 0.0003),
            (0.7, 1, 0.001),
        ),
        knows_order=("last", "random"),
        knows_history=True,
        needs=_RECTOOLS,
    )


# HyperML weights items by recency, but not after a split at random.
_HISTORY: dict[str, Any] = {"knows_order": ("last",), "knows_history": True}


CONTENDERS = {
    "hyperml": Contender("HyperML", "hyperbolic", _hyperml(), **_HISTORY),
    "hyperml_direct": Contender("HyperML, direct", "hyperbolic", _hyperml(mode="direct")),
    "hyperml_free": Contender("HyperML, free users", "hyperbolic", _hyperml(history=0)),
    "hyperml_sequence": Contender("HyperML, sequences", "hyperbolic", _hyperml(user_model="sequence"), **_HISTORY),
    "twin_sequence": Contender(
        "Euclidean twin, sequences",
        "twin",
        _baseline(EuclideanTwin, user_model="sequence"),
        grid("learning_rate", (0.05,), (0.01,), (0.015,)),
        **_HISTORY,
    ),
    "twin": Contender(
        "Euclidean twin (c = 0)",
        "twin",
        _baseline(EuclideanTwin),
        grid(
            "learning_rate margin",
            (0.05, 16.0),
            (0.015, 16.0),
            (0.005, 16.0),
            (0.015, 8.0),
            (0.015, 32.0),
            (0.05, 8.0),
            (0.05, 32.0),
            (0.15, 16.0),
            (0.005, 32.0),
        ),
        **_HISTORY,
    ),
    "cml": Contender(
        "CML",
        "metric",
        _baseline(CML),
        grid(
            "learning_rate margin",
            (0.3, 2.0),
            (1.0, 1.0),
            (0.3, 0.5),
            (1.0, 2.0),
            (0.3, 1.0),
            (0.3, 3.0),
            (1.0, 0.5),
            (0.1, 0.5),
            (0.1, 1.0),
        ),
    ),
    "lrml": Contender(
        "LRML",
        "metric",
        _baseline(LRML),
        grid(
            "learning_rate margin negatives",
            (0.3, 1.0, 4),
            (0.3, 0.5, 1),
            (0.3, 1.0, 10),
            (0.3, 0.5, 4),
            (0.1, 0.2, 1),
            (0.1, 0.5, 1),
            (0.1, 1.0, 4),
            (0.3, 0.2, 1),
            (0.1, 1.0, 10),
        ),
    ),
    "mf_bpr": Contender(
        "MF-BPR",
        "bpr",
        _baseline(MFBPR),
        grid(
            "learning_rate regularization negatives",
            (0.3, 0.1, 1),
            (0.6, 0.01, 1),
            (0.3, 0.03, 1),
            (0.3, 0.01, 1),
            (0.6, 0.03, 1),
            (0.3, 0.01, 4),
            (0.6, 0.1, 1),
            (1.5, 0.1, 1),
            (0.3, 0.003, 1),
        ),
    ),
    "implicit_bpr": Contender(
        "MF-BPR (implicit)",
        "bpr",
        _implicit(ImplicitModel.bpr),
        grid(
            "learning_rate regularization iterations",
            (0.01, 0.01, 100),
            (0.1, 0.03, 100),
            (0.03, 0.03, 200),
            (0.003, 0.01, 300),
            (0.1, 0.1, 100),
            (0.01, 0.003, 50),
            (0.05, 0.01, 100),
            (0.05, 0.03, 100),
            (0.03, 0.01, 200),
        ),
        overridable=("dim",),
        needs=("implicit",),
    ),
    "implicit_als": Contender(
        "ALS (implicit)",
        "factorization",
        _implicit(ImplicitModel.als),
        grid(
            "regularization alpha",
            (10.0, 1.0),
            (30.0, 10.0),
            (10.0, 10.0),
            (0.1, 1.0),
            (100.0, 10.0),
            (30.0, 1.0),
            (100.0, 40.0),
            (3.0, 1.0),
            (50.0, 10.0),
        ),
        overridable=("dim",),
        knows_history=True,
        needs=("implicit",),
    ),
    "ease": Contender(
        "EASE",
        "linear",
        _linear(EASE),
        grid("l2", (300.0,), (100.0,), (1000.0,), (30.0,), (3000.0,), (600.0,), (200.0,), (10.0,), (10000.0,)),
        overridable=(),
        deterministic=True,
        knows_history=True,
    ),
    "item_knn": Contender(
        "Item-kNN",
        "linear",
        _linear(ItemKNN),
        grid(
            "k shrinkage",
            (100, 10.0),
            (500, 50.0),
            (20, 0.0),
            (100, 0.0),
            (1000, 100.0),
            (50, 10.0),
            (500, 0.0),
            (200, 30.0),
            (20, 10.0),
        ),
        overridable=(),
        deterministic=True,
        knows_history=True,
    ),
    "item_knn_recency": Contender(
        "Item-kNN, by recency",
        "linear",
        _linear(ItemKNN),
        grid(
            "k shrinkage half_life",
            (100, 10.0, 3.0),
            (500, 50.0, 1.0),
            (20, 0.0, 1.0),
            (500, 50.0, 3.0),
            (100, 0.0, 1.0),
            (1000, 100.0, 3.0),
            (500, 50.0, 10.0),
            (200, 30.0, 0.5),
            (100, 10.0, 10.0),
        ),
        overridable=(),
        deterministic=True,
        knows_order=("last", "random"),
        knows_history=True,
    ),
    "lightgcn": Contender(
        "LightGCN",
        "graph",
        _elsewhere("lightgcn_worker.py", _PYG, batch_size=2048),
        grid(
            "layers learning_rate regularization",
            (3, 0.005, 0.0001),
            (2, 0.005, 0.001),
            (3, 0.01, 0.01),
            (3, 0.002, 0.0001),
            (2, 0.01, 0.01),
            (4, 0.005, 0.001),
        ),
        knows_history=True,
        needs=_PYG,
    ),
    "sasrec_bce": _sequential("SASRec, BCE", "sasrec", "BCE", 1),
    "sasrec_softmax": _sequential("SASRec, softmax", "sasrec", "softmax", 256),
    "hstu": _sequential("HSTU, softmax", "hstu", "softmax", 256),
    "bert4rec": _sequential("BERT4Rec, softmax", "bert4rec", "softmax", 256),
    "popularity": Contender("Popularity", "popularity", _popularity, overridable=(), deterministic=True),
}
