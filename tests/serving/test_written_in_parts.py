"""What an export has for each user is written a part at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tiny import split, trained

from hyperml_tf.serving import ServedModel, export_saved_model, user_rows
from hyperml_tf.serving.written_in_parts import Rows, without_rows, write_rows


def test_parts_are_the_rows_of_one_variable(tmp_path: Path) -> None:
    module = tf.Module()
    module.points, module.other = without_rows(np.zeros([1, 2], np.float32), "points"), tf.Variable([7])
    module.read = tf.function(lambda: (module.points.read_value(), module.other), input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "saved"))
    rows = np.arange(14, dtype=np.float32).reshape(7, 2)
    write_rows(tmp_path / "saved", {"points": Rows((7, 2), (rows[start : start + 3] for start in (0, 3, 6)))})
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    found, other = loaded.read()
    assert found.numpy().tolist() == rows.tolist()
    assert other.numpy().tolist() == [7]
    assert len(list((tmp_path / "saved" / "variables").iterdir())) == 5, "the others, three parts and the index"


@pytest.mark.slow
def test_an_export_of_many_parts_answers_as_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_rows, "_USERS", 16)
    monkeypatch.setattr(user_rows, "_NUMBERS", 100)
    users = split().train.user_ids
    served = ServedModel(export_saved_model(trained(), tmp_path / "1", k=5)).recommend(users)
    own = trained().recommend(users, 5)
    assert served.ids.tolist() == own.ids.astype(str).tolist()
    np.testing.assert_allclose(served.distances, own.distances, rtol=1e-6)
