"""What the estimators expect of their input, and what they say when it is something else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base import CourseError, require

_SHAPES = {None: "", 1: "(n,)", 2: "(P, N)"}


def as_array(values: ArrayLike, name: str, dims: int | None = None) -> np.ndarray:
    """``values`` (an array, a list or a torch tensor) as a float64 array.

    Refuses ragged lists, a number of dimensions other than ``dims``, and NaN; ``name`` is what the
    message calls them.
    """
    given: Any = values
    if hasattr(given, "detach"):  # a tensor, on any device, in any precision, with or without grad
        given = given.detach().cpu().double().numpy()
    try:
        array = np.asarray(given, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise CourseError(
            f"{name} must be numbers in rows of equal length; got something else ({error})."
        ) from error
    single = " For a single prompt give a list with one row." if dims == 2 else ""
    require(
        dims is None or array.ndim == dims,
        f"{name} must have shape {_SHAPES.get(dims)}; got {array.shape}.{single}",
    )
    missing = int(np.isnan(array).sum())
    require(
        missing == 0,
        f"{name} has {missing} NaN values (missing candidates?). Every prompt needs all its "
        "values: drop the prompts that lack some, or use a smaller pool that all prompts fill.",
    )
    return array


def as_pair(
    a: ArrayLike, b: ArrayLike, names: tuple[str, str], dims: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of one shape, each as :func:`as_array` gives it."""
    first = as_array(a, names[0], dims)
    second = as_array(b, names[1], dims)
    require(
        first.shape == second.shape,
        f"{names[0]} and {names[1]} must have one shape; got {first.shape} and {second.shape}.",
    )
    return first, second


def as_texts(texts: Sequence[str]) -> list[str]:
    """``texts`` as a list. Refuses a single string, which is a sequence of letters."""
    require(not isinstance(texts, str), "give a list of texts; got a single string.")
    return list(texts)
