"""The benchmark's workloads can be trained; the checks around them notice what they should. Nothing is timed."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from suite.frameworks import FRAMEWORKS, environment
from suite.runner import Failed, Process, available, disagreeing, taking_part
from suite.with_keras import Fit
from suite.with_numpy import Floor
from suite.workloads import BY_DEFAULT, WORKLOADS, first_weights, make_data, mean_loss

import minigrad


@pytest.mark.parametrize("name", BY_DEFAULT)
def test_minigrad_learns_every_workload(name):
    workload = WORKLOADS[name]
    data = make_data(workload, 3 if workload.batch > 1 else 32)
    trainer = Fit(workload, minigrad)
    trainer.load(data)
    before = mean_loss(workload, data.y, trainer.predict(data))
    trainer.epoch(shuffle=False)
    assert mean_loss(workload, data.y, trainer.predict(data)) < before


@pytest.mark.parametrize("name", ["mlp-small", "flights", "embedding-13"])
def test_the_loss_is_minigrads_own(name):
    workload = WORKLOADS[name]
    data = make_data(workload, 2)
    trainer = Fit(workload, minigrad)
    trainer.load(data)
    own = trainer.model.evaluate(trainer.x, trainer.y, verbose=0)
    assert mean_loss(workload, data.y, trainer.predict(data)) == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize("name", ["mlp-small", "flights"])
def test_models_start_from_the_shared_weights(name):
    weights = first_weights(WORKLOADS[name])
    model = Fit(WORKLOADS[name], minigrad).model
    expected = [*weights.tables, *(array for pair in weights.dense for array in pair)]
    assert [w.shape for w in model.weights] == [w.shape for w in expected]
    assert all(any(np.array_equal(w.numpy(), e) for w in model.weights) for e in expected)


def test_data_are_the_same_every_time_and_float32_or_ids():
    for workload in (WORKLOADS[name] for name in BY_DEFAULT):
        first, second = make_data(workload, 2), make_data(workload, 2)
        assert all(np.array_equal(a, b) for a, b in zip([*first.inputs, first.y], [*second.inputs, second.y]))
        assert {a.dtype for a in first.ids} <= {np.dtype("int32")}
        assert first.numbers is None or first.numbers.dtype == np.float32
        assert first.y.dtype == (np.int64 if workload.classes else np.float32)
        assert len(first) == 2 * workload.batch


def test_ids_by_zipfs_law_stay_in_the_table_and_favour_its_start():
    workload = WORKLOADS["embedding-1m-zipf"]
    ids = make_data(workload, 1).ids[0]
    assert ids.min() == 0
    assert ids.max() < 1_000_000
    assert (ids < 1000).mean() == pytest.approx(math.log(1000) / math.log(1_000_000), abs=0.1)


def test_the_floor_makes_the_products_of_a_step():
    workload = WORKLOADS["mlp-small"]
    floor = Floor(workload)
    floor.load(make_data(workload, 1))
    floor.epoch()
    np.testing.assert_allclose(floor.values[1], floor.values[0] @ floor.kernels[0])
    np.testing.assert_allclose(floor.gradients[1], floor.gradients[2] @ floor.kernels[1].T, rtol=1e-5)
    np.testing.assert_allclose(floor.kernel_gradients[0], floor.values[0].T @ floor.gradients[1], rtol=1e-5)


def test_a_worker_trains_in_its_process_and_tells_the_losses():
    process = Process("minigrad-eager", "mlp-small")
    try:
        before, after = process.ask("check")
        assert after < before
        with pytest.raises(Failed, match="no_such_command"):
            process.ask("no_such_command")
    finally:
        process.close()


def test_another_model_or_another_step_is_noticed():
    same = {"minigrad": [1.0, 0.5], "torch": [1.00001, 0.5005], "jax": [1.0, 0.5], "floor": None}
    assert disagreeing(same) == {}
    assert set(disagreeing({**same, "keras-jax": [1.1, 0.5]})) == {"keras-jax"}
    assert set(disagreeing({**same, "keras-jax": [1.0, 0.4]})) == {"keras-jax"}
    assert set(disagreeing({**same, "keras-jax": [1.0, math.nan]})) == {"keras-jax"}
    assert disagreeing({**same, "torch-sparse": [1.0, 0.4]}) == {}, "a different algorithm by its nature"


def test_a_peer_that_is_not_installed_is_skipped_with_a_hint(monkeypatch, capsys):
    monkeypatch.setattr("suite.frameworks.find_spec", lambda name: None)
    assert available(["minigrad-numpy", "jax"]) == ["minigrad-numpy"]
    assert "jax is skipped: jax not installed (pip install -r benchmarks/peers.txt)" in capsys.readouterr().out


def test_who_takes_part():
    everybody = list(FRAMEWORKS)
    assert "floor" in taking_part("mlp-small", everybody, by_name=False)
    assert "floor" not in taking_part("flights", everybody, by_name=False)
    assert "torch-sparse" not in taking_part("predict", everybody, by_name=False)
    assert "keras-torch" not in taking_part("embedding-1m", everybody, by_name=False)
    assert "keras-torch" in taking_part("embedding-1m", ["keras-torch"], by_name=True)


def test_all_libraries_are_told_two_threads():
    variables = environment(FRAMEWORKS["keras-tensorflow"])
    assert variables["OMP_NUM_THREADS"] == variables["TF_NUM_INTRAOP_THREADS"] == "2"
    assert variables["KERAS_BACKEND"] == "tensorflow"
    assert json.dumps(variables)
