"""The main job: embeddings learn from real data, through the functional API, and the result is left to look at."""

from .main import run

__all__ = ["run"]
