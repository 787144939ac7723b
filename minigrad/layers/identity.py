"""The layer that does nothing."""

from __future__ import annotations

from typing import Any

from .layer import Layer, registry


@registry.register()
class Identity(Layer):
    """Its output is its input: a place to hang a name on. Keras counterpart: keras.layers.Identity."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs
