"""Time of Littlewood-Richardson, Kronecker and plethysm computations, beside lrcalc and symfn in the same run.

    python benchmarks/bench_symmetric_functions.py

lrcalc and symfn are asked only when they can be imported (pip install lrcalc symfn); their answers must then agree.
Caches of symrep are emptied before every call, so that character tables count; "warm" keeps them. A ratio says how
many times longer symrep takes than the other package.
"""

from __future__ import annotations

from importlib import import_module
from time import perf_counter

from rich.console import Console
from rich.table import Table

from symrep.representations import change_of_basis, characters, kronecker
from symrep.representations import plethysm as plethysm_module
from symrep.representations.kronecker import kronecker_coefficient, kronecker_product, stable_kronecker_product
from symrep.representations.littlewood_richardson import (
    littlewood_richardson_coefficient,
    littlewood_richardson_product,
    skew_schur,
)
from symrep.representations.plethysm import plethysm, restriction
from symrep.representations.symmetric_functions import SymmetricFunction

CACHES = (
    change_of_basis._kept_table,
    change_of_basis._jacobi_trudi,
    characters._cached_table,
    kronecker._stable_product,
    plethysm_module._restriction_by_characters,
)


def optional(name):
    try:
        return import_module(name)
    except ImportError:
        return None


lrcalc, symfn = optional("lrcalc"), optional("symfn")


def terms(pairs):
    return {tuple(shape): number for shape, number in pairs}


def schur(shape):
    return [(shape, 1)]


def lr_product(a, b):
    return (
        lambda: littlewood_richardson_product(a, b),
        lambda: terms(lrcalc.mult(a, b).items()),
        lambda: terms(symfn.schur_multiply(schur(a), schur(b))),
    )


def lr_coefficient(outer, a, b):
    return (
        lambda: littlewood_richardson_coefficient(outer, a, b),
        lambda: lrcalc.lrcoef(outer, a, b),
        lambda: symfn.lr_coefficient(outer, a, b),
    )


CASES = {
    "s(4,3,2,1)^2": lr_product((4, 3, 2, 1), (4, 3, 2, 1)),
    "s(5,3,1,1) s(4,2,2,1,1)": lr_product((5, 3, 1, 1), (4, 2, 2, 1, 1)),
    "s(5,4,3,2,1)^2": lr_product((5, 4, 3, 2, 1), (5, 4, 3, 2, 1)),
    "skew (7,6,5,4,3,2,1)/(5,4,3,2,1)": (
        lambda: skew_schur((7, 6, 5, 4, 3, 2, 1), (5, 4, 3, 2, 1)),
        lambda: terms(lrcalc.skew((7, 6, 5, 4, 3, 2, 1), (5, 4, 3, 2, 1)).items()),
        lambda: terms(symfn.skew_schur((7, 6, 5, 4, 3, 2, 1), (5, 4, 3, 2, 1))),
    ),
    "one coefficient, size 38 (value 556)": lr_coefficient((10, 8, 6, 5, 4, 3, 2), (6, 4, 3, 2, 1), (7, 5, 4, 3, 2, 1)),
    "Kronecker product, n = 20": (
        lambda: kronecker_product((6, 5, 4, 3, 2), (7, 5, 4, 2, 1, 1)),
        None,
        lambda: terms(symfn.internal_product(schur((6, 5, 4, 3, 2)), schur((7, 5, 4, 2, 1, 1)))),
    ),
    "Kronecker product, n = 28": (lambda: kronecker_product((8, 7, 6, 5, 2), (9, 8, 5, 4, 1, 1)), None, None),
    "Kronecker coefficient, n = 20": (
        lambda: kronecker_coefficient((6, 5, 4, 3, 2), (7, 5, 4, 2, 1, 1), (5, 5, 4, 4, 2)),
        None,
        lambda: symfn.kronecker_coefficient((6, 5, 4, 3, 2), (7, 5, 4, 2, 1, 1), (5, 5, 4, 4, 2)),
    ),
    "Kronecker coefficient, n = 100": (lambda: kronecker_coefficient((96, 3, 1), (95, 4, 1), (94, 4, 2)), None, None),
    "stable product of (3,2,1) and (3,2,1)": (
        lambda: stable_kronecker_product((3, 2, 1), (3, 2, 1)),
        None,
        lambda: terms(symfn.reduced_kronecker_product((3, 2, 1), (3, 2, 1))),
    ),
    "plethysm (3,2)[(2,2)], N = 20": (
        lambda: plethysm((3, 2), (2, 2)),
        None,
        lambda: terms(symfn.plethysm(schur((3, 2)), schur((2, 2)))),
    ),
    "plethysm (4,2)[(2,1,1)], N = 24": (
        lambda: plethysm((4, 2), (2, 1, 1)),
        None,
        lambda: terms(symfn.plethysm(schur((4, 2)), schur((2, 1, 1)))),
    ),
    "restriction of (5,3,2,1) to S_22": (lambda: restriction((5, 3, 2, 1), 22), None, None),
    "s to m, (4,3,2,1,1,1)": (
        lambda: SymmetricFunction("s", {(4, 3, 2, 1, 1, 1): 1}).to("m"),
        None,
        lambda: terms(symfn.schur_to_monomial(schur((4, 3, 2, 1, 1, 1)))),
    ),
    "m to s, (4,3,2,1,1,1)": (
        lambda: SymmetricFunction("m", {(4, 3, 2, 1, 1, 1): 1}).to("s"),
        None,
        lambda: terms(symfn.monomial_to_schur(schur((4, 3, 2, 1, 1, 1)))),
    ),
}


def clear_caches():
    for cached in CACHES:
        cached.cache_clear()
    if symfn is not None:
        symfn.clear_caches()


def timed(action, clear, repeats=3):
    """Best time and the answer."""
    best = float("inf")
    for _ in range(repeats):
        if clear:
            clear_caches()
        start = perf_counter()
        answer = action()
        best = min(best, perf_counter() - start)
    return best, answer


def plain(answer):
    """Dictionaries with tuples as keys, whatever made them."""
    if isinstance(answer, SymmetricFunction):
        answer = answer.coefficients
    if isinstance(answer, dict):
        return {getattr(shape, "parts", shape): int(number) for shape, number in answer.items()}
    return answer


def milliseconds(seconds):
    return f"{1000 * seconds:.2f}"


def compared(action, package, name, answer, seconds):
    if action is None or package is None:
        return ["-", "-"]
    other, theirs = timed(action, clear=True)
    if plain(theirs) != answer:
        raise SystemExit(f"{name} gives another answer")
    return [milliseconds(other), f"{seconds / other:.1f}"]


def main():
    headings = ("computation", "terms", "cold ms", "warm ms", "lrcalc ms", "ratio", "symfn ms", "ratio")
    table = Table(*headings, title="Symmetric functions")
    for name, (ours, with_lrcalc, with_symfn) in CASES.items():
        cold, answer = timed(ours, clear=True)
        warm, _ = timed(ours, clear=False)
        answer = plain(answer)
        row = compared(with_lrcalc, lrcalc, f"lrcalc at {name}", answer, cold)
        row += compared(with_symfn, symfn, f"symfn at {name}", answer, cold)
        size = len(answer) if isinstance(answer, dict) else 1
        table.add_row(name, str(size), milliseconds(cold), milliseconds(warm), *row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
