# SPDX-License-Identifier: MIT
"""The one exception every importer raises for a model it cannot represent exactly."""

from __future__ import annotations

__all__ = ["UnsupportedModel"]


class UnsupportedModel(ValueError):
    """A model that is damaged, or that is not a layered network of supported activations.

    The message names the file (or the object), the node or layer where there is one, what was found,
    and what is supported. Nothing is ever approximated to make a model fit.

    Examples
    --------
    >>> raise UnsupportedModel("net.onnx: node 'pool' (MaxPool): not supported")
    Traceback (most recent call last):
        ...
    withstand.importers.errors.UnsupportedModel: net.onnx: node 'pool' (MaxPool): not supported
    """
