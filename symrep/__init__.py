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
    "block_spectrum": "symrep.spectra.blocks",
}
for _module, _names in {
    "symrep.combinatorics.cores": "beta_numbers frobenius_coordinates from_core_and_quotient",
    "symrep.combinatorics.kostka": "kostka_matrix",
    "symrep.combinatorics.random_tableaux": "random_standard_tableau",
    "symrep.combinatorics.rsk": "rsk inverse_rsk robinson_schensted inverse_robinson_schensted",
    "symrep.combinatorics.tableaux": "semistandard_tableaux number_of_semistandard_tableaux",
    "symrep.combinatorics.young_lattice": "dominance_order weak_order",
    "symrep.representations.character_streams": "stream_columns stream_rows",
    "symrep.representations.class_functions": "ClassFunction class_function irreducible_character permutation_character",
    "symrep.representations.fourier": "fourier_transform inverse_fourier_transform FourierTransform permutation_index",
    "symrep.representations.group_algebra": "GroupAlgebraElement class_sum jucys_murphy represent",
    "symrep.representations.irreps": "standard trivial sign",
    "symrep.representations.kronecker": "kronecker_coefficient kronecker_product reduced_kronecker_coefficient stable_kronecker_product",
    "symrep.representations.littlewood_richardson": "littlewood_richardson_coefficient littlewood_richardson_product skew_schur",
    "symrep.representations.matrix_units": "matrix_unit matrix_units primitive_idempotent",
    "symrep.representations.modules": "decompose direct_sum tensor_product",
    "symrep.representations.permutation_modules": "permutation_module regular semistandard_homomorphism",
    "symrep.representations.plethysm": "plethysm plethysm_coefficient restriction_coefficient",
    "symrep.representations.restrictions": "restriction young_subgroup_restriction",
    "symrep.representations.specht": "garnir_straighten intertwiner",
    "symrep.representations.stable_multiplicities": "multiplicity_in_functions",
    "symrep.representations.symmetric_functions": "SymmetricFunction frobenius_characteristic inverse_frobenius_characteristic",
    "symrep.kernels.parameters": "substitute",
    "symrep.spectra.comparisons": "compare_spectra",
    "symrep.spectra.dense": "all_sequences dense_spectrum",
    "symrep.spectra.exact_blocks": "exact_block_spectrum",
    "symrep.spectra.expansions": "expand_block expand_roots",
    "symrep.spectra.invariance_witness": "find_invariance_witness require_invariant",
    "symrep.spectra.kernel_functions": "MatchKernel",
    "symrep.spectra.level_lists": "cumulative_trace level_list",
    "symrep.spectra.perturbation": "split_multiplets truncated_eigenvalues",
    "symrep.spectra.token_labels": "token_labelled_levels",
    "symrep.spectra.sampled": "sampled_spectrum",
}.items():
    _PUBLIC.update(dict.fromkeys(_names.split(), _module))
del _module, _names
_ROOMS = (
    "combinatorics",
    "representations",
    "kernels",
    "measures",
    "spectra",
    "learning",
    "plots",
    "testing",
    "errors",
)

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
    return sorted(__all__)
