"""What the estimators expect of their input, and what they say when it is something else."""

import numpy as np

from ..base import CourseError, require


def as_array(values, name, dims=None):
    """``values`` as a float64 array.

    Refuses ragged lists, a wrong number of dimensions, and NaN.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    try:
        values = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise CourseError(
            f"{name} must be numbers in rows of equal length; got something else ({error})."
        ) from error
    wanted = {None: "", 1: "(n,)", 2: "(P, N)"}
    require(
        dims is None or values.ndim == dims,
        f"{name} must have shape {wanted.get(dims)}; got {values.shape}."
        + (" For a single prompt give a list with one row." if dims == 2 else ""),
    )
    missing = int(np.isnan(values).sum())
    require(
        missing == 0,
        f"{name} has {missing} NaN values (missing candidates?). Every prompt needs all its "
        "values: "
        "drop the prompts that lack some, or use a smaller pool that all prompts fill.",
    )
    return values


def as_pair(a, b, names, dims=None):
    a, b = as_array(a, names[0], dims), as_array(b, names[1], dims)
    require(
        a.shape == b.shape,
        f"{names[0]} and {names[1]} must have one shape; got {a.shape} and {b.shape}.",
    )
    return a, b


def as_texts(texts):
    require(not isinstance(texts, str), "give a list of texts; got a single string.")
    return list(texts)
