"""Values of lrcalc and symfn, two packages that share no code with symrep, written as JSON.

    python coefficients_packages.py > coefficients_packages.json      (after: pip install lrcalc==2.1 symfn==0.9.0)

Shapes are pseudo-random with a fixed seed. Decompositions are lists [partition, multiplicity].
"""

import json
from importlib.metadata import version
from random import Random

import lrcalc
import symfn

source = Random(2025)


def random_partition(n):
    return list(source.choice(symfn.partitions(n)))


def ordered(terms):
    return sorted([list(shape), coefficient] for shape, coefficient in terms)


def schur(shape):
    return [(shape, 1)]


def products():
    for size in (5, 7, 9, 10):
        a, b = random_partition(size), random_partition(size)
        yield [a, b, ordered(lrcalc.mult(a, b).items())]


def skew_functions():
    for size in (4, 6, 8, 10):
        inner = random_partition(size)
        outer = [part + source.randint(1, 3) for part in inner] + [1] * source.randint(0, 2)
        outer.sort(reverse=True)
        yield [outer, inner, ordered(lrcalc.skew(outer, inner).items())]


def large_coefficients():
    while True:
        a, b = random_partition(15), random_partition(16)
        outer = source.choice(sorted(lrcalc.mult(a, b)))
        yield [list(outer), a, b, lrcalc.lrcoef(outer, a, b)]


def kronecker_products():
    for n in (9, 10, 11, 12):
        a, b = random_partition(n), random_partition(n)
        yield [a, b, ordered(symfn.internal_product(schur(a), schur(b)))]


def kronecker_coefficients():
    for n in (15, 16, 18, 20, 22, 24):
        for _ in range(4):
            shapes = [random_partition(n) for _ in range(3)]
            yield [*shapes, symfn.kronecker_coefficient(*shapes)]


def reduced_products():
    for sizes in ((2, 3), (3, 3), (3, 4), (4, 4)):
        mu, nu = (random_partition(size) for size in sizes)
        yield [mu, nu, ordered(symfn.reduced_kronecker_product(mu, nu))]


def plethysms():
    pairs = ([3], [4]), ([2, 1], [3, 1]), ([1, 1, 1], [2, 2]), ([2, 2], [2, 1]), ([5], [3]), ([2, 1, 1], [3])
    for outer, inner in pairs:
        yield [outer, inner, ordered(symfn.plethysm(schur(outer), schur(inner)))]


def expansions():
    """[basis, shape, expansion of the Schur function in that basis, Schur expansion of that element of the basis]."""
    conversions = {
        "h": (symfn.schur_to_homogeneous, symfn.homogeneous_to_schur),
        "e": (symfn.schur_to_elementary, symfn.elementary_to_schur),
        "m": (symfn.schur_to_monomial, symfn.monomial_to_schur),
    }
    for basis, (from_schur, to_schur) in conversions.items():
        for n in (5, 7, 9):
            shape = random_partition(n)
            yield [basis, shape, ordered(from_schur(schur(shape))), ordered(to_schur(schur(shape)))]


def first(count, values):
    return [value for _, value in zip(range(count), values)]


def main():
    answers = {
        "products": list(products()),
        "skew_functions": list(skew_functions()),
        "large_coefficients": first(40, large_coefficients()),
        "kronecker_products": list(kronecker_products()),
        "kronecker_coefficients": list(kronecker_coefficients()),
        "reduced_products": list(reduced_products()),
        "plethysms": list(plethysms()),
        "expansions": list(expansions()),
    }
    print('{\n"versions": ' + json.dumps({name: version(name) for name in ("lrcalc", "symfn")}) + ",")
    blocks = [
        f'"{name}": [\n' + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "\n]"
        for name, entries in answers.items()
    ]
    print(",\n".join(blocks) + "\n}")


if __name__ == "__main__":
    main()
