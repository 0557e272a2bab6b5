"""symrep: which functions of a token sequence an infinitely wide transformer learns, exactly, per irrep of S_L.

Names are imported when they are first used, so that ``import symrep`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Partition": "symrep.combinatorics.partitions",
    "partitions": "symrep.combinatorics.partitions",
    "StandardTableau": "symrep.combinatorics.tableaux",
    "standard_tableaux": "symrep.combinatorics.tableaux",
    "SemistandardTableau": "symrep.combinatorics.tableaux",
    "kostka_number": "symrep.combinatorics.tableaux",
    "young_lattice": "symrep.combinatorics.young_lattice",
    "branching_graph": "symrep.combinatorics.young_lattice",
    "character": "symrep.representations.characters",
    "character_table": "symrep.representations.characters",
    "CharacterTable": "symrep.representations.characters",
    "specht_module": "symrep.representations.specht",
    "seminormal": "symrep.representations.irreps",
    "orthogonal": "symrep.representations.irreps",
    "natural": "symrep.representations.irreps",
    "young_symmetrizer": "symrep.representations.group_algebra",
    "central_idempotent": "symrep.representations.group_algebra",
    "isotypic_projector": "symrep.representations.projectors",
    "PaddedShape": "symrep.representations.stable",
    "stable_dimension": "symrep.representations.stable",
    "character_polynomial": "symrep.representations.stable",
    "spectrum": "symrep.spectra.solver",
}
_ROOMS = ("combinatorics", "representations", "kernels", "measures", "spectra", "learning", "testing", "errors")

__all__ = ["__version__", *_PUBLIC, *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(_PUBLIC[name]), name)
    elif name in _ROOMS:
        value = import_module(f"symrep.{name}")
    else:
        raise AttributeError(f"module 'symrep' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
