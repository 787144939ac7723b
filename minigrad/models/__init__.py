"""Models: graphs of layers that can be trained, evaluated, summarised and saved."""

from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential"]
