"""The tour's data: small real tables of categories, rows held out, and the plain reference to beat."""

from .tables import (
    Table,
    load_flights,
    load_weather,
    r2_score,
    table_of_means,
    table_of_means_r2,
    train_test_split,
)

__all__ = [
    "Table",
    "load_flights",
    "load_weather",
    "r2_score",
    "table_of_means",
    "table_of_means_r2",
    "train_test_split",
]
