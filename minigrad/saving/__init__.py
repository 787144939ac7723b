"""Files that hold models: the only room that reads untrusted bytes."""

from .weights import load_weights, save_weights

__all__ = ["load_weights", "save_weights"]
