"""Making values plain: of Python's own types, whatever a reader's classes say of themselves."""

import sys
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: set for every class that Python code defines
DEEPEST = 40  # containers within containers; a list that holds itself has no end


class Thing:
    """What is no number, text or container: only what its type is called is kept of it."""

    def __init__(self, kind: type) -> None:
        self.kind = type.__dict__["__name__"].__get__(kind)
        self.once = any("__next__" in vars(base) for base in kind.__mro__)

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def builtin_value(value: Any, depth: int = 0) -> Any:
    """A copy of ``value`` in types that nobody can have changed.

    Numbers, texts and containers of a subclass become those of the type below it, by that type's
    own methods: what a subclass says of itself (``__eq__``, ``__len__`` …) is not asked. Arrays and
    tensors stay what they are. A gradient is left behind.
    """
    kind = type(value)
    if depth > DEEPEST:
        return Thing(kind)
    if issubclass(kind, (bool, int, float, str, np.generic)):
        return _builtin_scalar(value, kind)
    if issubclass(kind, (list, tuple, set, frozenset, dict)):
        return _builtin_container(value, kind, depth)
    if issubclass(kind, np.ndarray):
        array = np.array(value, copy=True, subok=False)
        return array if array.dtype != object else builtin_value(array.tolist(), depth + 1)
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.Tensor):
        with torch._C.DisableTorchFunctionSubclass():
            copy = torch.Tensor.clone(torch.Tensor.detach(value))
            if copy.layout is not torch.strided:
                copy = torch.Tensor.to_dense(copy)
            return copy.as_subclass(torch.Tensor)
    if kind is Fraction:
        return value.numerator / value.denominator
    if kind is Decimal:
        return float(value)
    if kind is deque:
        return [builtin_value(x, depth + 1) for x in value]
    return Thing(kind) if kind.__flags__ & HEAP_TYPE else value


def _builtin_scalar(value: Any, kind: type) -> Any:
    """A number or text as Python's own; NumPy's own scalars by ``item``."""
    if kind in (bool, int, float, str):
        return value
    # numpy.float64 is a float and numpy.str_ a str, so that a subclass of either ends here too
    for plain, convert in ((float, float.__float__), (int, int.__int__), (str, str.__str__)):
        if issubclass(kind, plain):
            return convert(value)
    return np.generic.item(value)


def _builtin_container(value: Any, kind: type, depth: int) -> Any:
    """A container of Python's own with plain entries."""
    for plain in (list, tuple, set, frozenset):
        if issubclass(kind, plain):
            return plain(builtin_value(x, depth + 1) for x in plain.__iter__(value))
    pairs = dict.items(value)
    return {builtin_value(k, depth + 1): builtin_value(v, depth + 1) for k, v in pairs}


def plain_value(value: Any) -> Any:
    """Tensors, arrays and tuples as nested lists; everything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # NumPy has no bfloat16
        value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain_value(v) for v in value]
    if isinstance(value, dict):
        return {k: plain_value(v) for k, v in value.items()}
    return value


def read_once(value: Any) -> bool:
    """Whether a value is used up by reading it, as what ``zip`` gives."""
    return value.once if isinstance(value, Thing) else isinstance(value, Iterator)


def half_precision(value: Any) -> str:
    """The half precision that some tensor or array in ``value`` has, such as "float16", or ""."""
    for _, kind in kinds(value):
        for name in ("bfloat16", "float16"):
            if kind.endswith(f" {name}"):
                return name
    return ""


def kinds(value: Any, at: str = "") -> set[tuple[str, str]]:
    """(place, type) of a value and of all that it holds.

    A list of lists of texts has ``("", "list")``, ``("[]", "list")`` and ``("[][]", "str")``; the
    type of an array or tensor includes its dtype.
    """
    kind = type(value).__name__
    if hasattr(value, "dtype"):
        kind = f"{kind} {str(value.dtype).removeprefix('torch.')}"
    found = {(at, kind)}
    if isinstance(value, dict):
        for key, entry in value.items():
            found |= kinds(key, f"{at}{{}}") | kinds(entry, f"{at}{{}}=")
    elif isinstance(value, (list, tuple)):
        for entry in value:
            found |= kinds(entry, f"{at}[]")
    return found
