"""The verification kit: conformance checks that raise, and Hypothesis strategies for the objects of symrep.

The checks need no extra package; the strategies need ``hypothesis``, which is imported when one of them is first used.

>>> from hypothesis import given, settings
>>> from symrep import seminormal, testing
>>> check = given(testing.partitions_of(2, 4))(lambda shape: testing.check_representation(seminormal(shape)))
>>> settings(deadline=None)(check)()
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from symrep.errors import MissingPackageError
from symrep.testing.checks import check_representation, check_spectrum
from symrep.testing.kernel_checks import check_kernel

_STRATEGIES = ("kernels_polynomial", "measures", "networks", "partitions_of", "permutations_of", "standard_tableaux_of")

__all__ = ["check_kernel", "check_representation", "check_spectrum", *(_STRATEGIES if find_spec("hypothesis") else ())]


def __getattr__(name: str) -> Any:
    if name not in _STRATEGIES:
        raise AttributeError(f"module 'symrep.testing' has no attribute {name!r}")
    if find_spec("hypothesis") is None:
        raise MissingPackageError(f"{name} needs hypothesis, which is not installed: python -m pip install hypothesis")
    from symrep.testing import strategies

    return getattr(strategies, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
