"""The array library of an array: NumPy itself for its own arrays, and array-api-compat for those of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np


def are_of_numpy(*arrays: Any) -> bool:
    """Whether all of these are NumPy's."""
    return all(isinstance(array, np.ndarray | np.generic) for array in arrays)


def namespace(*arrays: Any) -> Any:
    """The functions of the array API for the library that all these arrays are of.

    Contract: TypeError where they are of several libraries, or one is no array.
    """
    if are_of_numpy(*arrays):
        # NumPy follows the array API from version 2 on. The wrapper around it imports all of NumPy, which takes a
        # party of a game as long as its game.
        return np
    import array_api_compat

    return array_api_compat.array_namespace(*arrays)


def device_of(array: Any) -> Any:
    """The device on which an array lies, as its library names it."""
    if are_of_numpy(array):
        return "cpu"
    import array_api_compat

    return array_api_compat.device(array)


def is_tensor(array: Any) -> bool:
    """Whether an array is of torch."""
    if are_of_numpy(array):
        return False
    import array_api_compat

    return bool(array_api_compat.is_torch_array(array))
