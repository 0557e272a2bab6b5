"""The exact oracle against the float one and against anchors that need neither."""

from __future__ import annotations

from fractions import Fraction
from math import comb, prod

import numpy as np
import pytest
import sympy

from symrep.combinatorics.partitions import partitions
from symrep.errors import (
    InvalidArgumentError,
    InvalidPartitionError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
)
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.exact import exact_block, exact_characteristic_polynomial


def number_of_semistandard_tableaux(shape, letters):
    """Hook content formula."""
    numerator = prod(letters + shape.content(cell) for cell in shape.cells())
    return numerator // prod(shape.hook_length(cell) for cell in shape.cells())


def krawtchouk(k, j, vocab_size, length):
    signed = ((-1) ** i * (vocab_size - 1) ** (k - i) * comb(j, i) * comb(length - j, k - i) for i in range(k + 1))
    return sum(signed)


def exact_linear_block(a, p):
    def kernel(x, y):
        u = sum(s == t for s in x for t in y)
        m = sum(s == t for s, t in zip(x, y))
        length = len(x)
        return (a * m + p * length) * (a**2 * u + 2 * a * p * m + p**2 * length) / length

    return kernel


def flattened_gram(a, p, vocab_size, length):
    X = all_sequences(vocab_size, length)
    u, m = (X[:, None, :, None] == X[:, None, :]).sum(axis=(2, 3)), (X[:, None] == X).sum(axis=2)
    return (a * m + p * length) * (a**2 * u + 2 * a * p * m + p**2 * length) / length


def exact_random_kernel(seed):
    """A deterministic rational function of the joint counts that is symmetric and knows the names of tokens."""

    def kernel(x, y):
        pairs = sorted(zip(x, y))
        there, back = tuple(pairs), tuple(sorted((t, s) for s, t in pairs))
        rng = np.random.default_rng([seed, *np.ravel(min(there, back))])
        return Fraction(int(rng.integers(-20, 20)), int(rng.integers(1, 9)))

    return kernel


def roots(polynomial):
    return np.sort(np.roots(np.array(polynomial.all_coeffs(), dtype=float)).real)[::-1] if polynomial.degree() else []


@pytest.mark.parametrize(
    ("vocab_size", "length", "extra_tokens"), [(2, 4, 0), (2, 5, 0), (3, 3, 0), (3, 1, 0), (1, 3, 0), (2, 3, 1)]
)
@pytest.mark.parametrize("uniform", [True, False])
def test_exact_blocks_agree_with_the_float_spectrum(vocab_size, length, extra_tokens, uniform):
    def kernel(x, y):
        return exact_random_kernel(5)(x[:length], y[:length]) + sum(s * t for s, t in zip(x[length:], y[length:]))

    total = vocab_size * (vocab_size + 1) // 2
    tokens = None if uniform else [Fraction(v + 1, total) for v in range(vocab_size)]
    X = all_sequences(vocab_size, length + extra_tokens).tolist()
    gram = np.array([[float(kernel(tuple(x), tuple(y))) for y in X] for x in X])
    floats = None if uniform else [float(value) for value in tokens]
    spectrum = dense_spectrum(gram, vocab_size, length, probabilities=floats, extra_tokens=extra_tokens)
    for shape in partitions(length):
        block = exact_block(kernel, vocab_size, length, shape, tokens, extra_tokens=extra_tokens)
        assert block.domain.is_QQ and block.shape == (len(spectrum.eigenvalues(shape)),) * 2
        if block.shape[0]:
            found = np.sort(np.linalg.eigvals(np.array(block.to_Matrix().tolist(), dtype=float)).real)[::-1]
            assert found == pytest.approx(spectrum.eigenvalues(shape), abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(("vocab_size", "length"), [(2, 6), (3, 4)])
def test_exact_characteristic_polynomials_of_the_flattened_linear_block(vocab_size, length):
    a, p = Fraction(1, 3), Fraction(1)
    spectrum = dense_spectrum(flattened_gram(1 / 3, 1, vocab_size, length), vocab_size, length)
    total = 0
    for shape in partitions(length, max_length=vocab_size):
        polynomial = exact_characteristic_polynomial(exact_linear_block(a, p), vocab_size, length, shape)
        coefficients = polynomial.all_coeffs()
        assert polynomial.domain.is_QQ and coefficients[0] == 1
        assert polynomial.degree() == number_of_semistandard_tableaux(shape, vocab_size)
        assert roots(polynomial)[:3] == pytest.approx(spectrum.eigenvalues(shape)[:3], rel=1e-4, abs=1e-3)
        assert float(-coefficients[1]) * shape.dimension == pytest.approx(spectrum.trace(shape))
        total -= coefficients[1] * shape.dimension
    on_the_diagonal = [exact_linear_block(a, p)(x, x) for x in map(tuple, all_sequences(vocab_size, length).tolist())]
    assert total == sympy.Rational(sum(on_the_diagonal) / vocab_size**length)


def test_exact_krawtchouk_block():
    x = sympy.Symbol("x")
    polynomial = exact_characteristic_polynomial(
        lambda s, t: sympy.Rational(sum(a == b for a, b in zip(s, t)) ** 2, 7), 2, 4, (3, 1), variable=x
    )
    values = [sum(krawtchouk(j, k, 2, 4) * (4 - j) ** 2 for j in range(5)) for k in (1, 2, 3)]
    expected = sympy.prod([x - sympy.Rational(value, 7 * 16) for value in values])
    assert polynomial == sympy.Poly(expected, x, domain=sympy.QQ)


def test_exact_measure_that_is_not_independent():
    def urn(x):
        return Fraction(int(sorted(x) == [0, 0, 1, 1]), 6)

    # four balls, two of each colour, all drawn: matches is 4 minus twice the exchanged pairs
    polynomial = exact_characteristic_polynomial(lambda x, y: sum(s == t for s, t in zip(x, y)), 2, 4, (3, 1), urn)
    x = polynomial.gen
    assert polynomial == sympy.Poly(x**3 - sympy.Rational(2, 3) * x**2, x, domain=sympy.QQ)


# errors


def exact_matches(x, y):
    return sum(s == t for s, t in zip(x, y))


def test_exact_variant_refuses_floats():
    with pytest.raises(InvalidTypeError, match=r"kernel_exact\(x, y\) must be an int, .* sympy Rational, got 1.5"):
        exact_block(lambda x, y: 1.5, 2, 3, (3,))
    with pytest.raises(InvalidTypeError, match="must be an int, Fraction or sympy Rational, got True"):
        exact_block(lambda x, y: True, 2, 3, (3,))
    with pytest.raises(InvalidTypeError, match="probabilities must be an int, Fraction or sympy Rational, got 0.5"):
        exact_block(exact_matches, 2, 3, (3,), [0.5, 0.5])


def test_exact_variant_refuses_broken_symmetry():
    with pytest.raises(InvalidArgumentError, match=r"symmetric, got 1 at x = \(1, 0\), y = \(0, 1\) and 0 at y, x"):
        exact_block(lambda x, y: int(x == (1, 0) and y == (0, 1)), 2, 2, (2,))
    with pytest.raises(NotInvariantError, match=r"kernel_exact must not change when positions \(1, 2\) are exchanged"):
        exact_block(lambda x, y: int(x[2] == y[2]), 2, 3, (3,))
    witness = r"probabilities .* positions \(0, 1\) are exchanged, got 0 at x = \(0, 1\)"
    with pytest.raises(NotInvariantError, match=witness):
        exact_block(exact_matches, 2, 2, (2,), lambda x: int(x == (1, 0)))


def test_exact_variant_refuses_bad_arguments():
    with pytest.raises(InvalidArgumentError, match="probabilities must be 2 numbers, got 3"):
        exact_block(exact_matches, 2, 3, (3,), [1, 0, 0])
    with pytest.raises(InvalidArgumentError, match=r"probabilities must sum to 1, got Fraction\(2, 3\)"):
        exact_block(exact_matches, 2, 3, (3,), [Fraction(1, 3), Fraction(1, 3)])
    with pytest.raises(InvalidArgumentError, match=r"probabilities must be at least 0, got Fraction\(-2, 1\)"):
        exact_block(exact_matches, 2, 1, (1,), [3, -2])
    with pytest.raises(InvalidArgumentError, match=r"probabilities must sum to 1, got Fraction\(8, 1\)"):
        exact_block(exact_matches, 2, 3, (3,), lambda x: 1)
    with pytest.raises(InvalidPartitionError, match="shape must be a partition of 3"):
        exact_block(exact_matches, 2, 3, (2, 2))
    with pytest.raises(SizeLimitError, match="has 64 entries, more than limit_pairs = 63"):
        exact_block(exact_matches, 2, 3, (3,), limit_pairs=63)
    with pytest.raises(InvalidArgumentError, match="length must be at least 1, got 0"):
        exact_block(exact_matches, 2, 0, ())
