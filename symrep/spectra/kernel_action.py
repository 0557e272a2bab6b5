r"""What the monomials of a kernel do to test functions: :math:`h \mapsto E_y[u_{xx}^k u_{yy}^l u^i m^j g^e\, h(y)]`.

With :math:`u^i = \sum_\beta \binom{i}{\beta} \prod_v n_v(x)^{\beta_v} n_v(y)^{\beta_v}` the image is a sum over the tokens
s that y holds at the explicit positions: expectations over row one of y, given the counts of row one of x, times powers
of the counts of x. The tokens t of x at the explicit positions enter the expectation only through the number of those
that agree with s, so expectations are shared between all t, and between the powers of m.
"""

from __future__ import annotations

from functools import cache, cached_property
from math import comb
from typing import Any

from symrep.spectra.kernel_polynomials import Monomial, OwnPowers
from symrep.spectra.moments import CountExpectations, compositions, multinomial
from symrep.spectra.specht_functions import Seed, SpechtFunctions

Tokens = tuple[int, ...]
Counts = tuple[int, ...]


class KernelAction:
    """Monomials of a kernel as operators on the seeds of one shape.

    Parameters
    ----------
    functions
        The test functions, for the number of explicit tokens.
    expectations
        The moments of the measure over row one.
    extra_token
        None, ``"last"`` (one more token, counted in u and m) or ``"query"`` (one more token, not counted).
    """

    def __init__(self, functions: SpechtFunctions, expectations: CountExpectations, extra_token: str | None) -> None:
        self.vocab_size = functions.vocab_size
        self.expectations = expectations
        self.extra_token = extra_token
        self.explicit_tokens = tuple(functions.explicit_tokens())
        self.x_power = cache(self._x_power)
        self.own_overlap_power = cache(self._own_overlap_power)
        self.y_power = cache(self._y_power)

    def images(self, seed: Seed, monomials: list[tuple[Monomial, OwnPowers]]) -> list[Seed]:
        """The images of a seed, as seeds with polynomials over the domain of the expectations."""
        rows = {tokens: self._in_counts(polynomial) for tokens, polynomial in seed.items()}
        images: list[Seed] = [{} for _ in monomials]
        kinds = sorted({(i, l) for (i, _, _), (_, l) in monomials})
        for power_u, power_yy in kinds:
            wanted = [n for n, ((i, _, _), (_, l)) in enumerate(monomials) if (i, l) == (power_u, power_yy)]
            largest = max(monomials[n][0][1] for n in wanted)
            for beta in compositions(power_u, self.vocab_size):
                means = {s: self._means(beta, power_yy, s, polynomial, largest) for s, polynomial in rows.items()}
                self._add(images, [(n, monomials[n]) for n in wanted], beta, means)
        by_counts = self.expectations.by_counts
        for n, (_, (power_xx, _)) in enumerate(monomials):
            image = {t: value * self.own_overlap_power(self.counted(t), power_xx) for t, value in images[n].items()}
            images[n] = {t: by_counts(value) for t, value in image.items() if value}
        return images

    def _add(self, images: list[Seed], wanted: list[Any], beta: Counts, means: dict[Tokens, list[Any]]) -> None:
        """Add the terms of one beta to the images of the wanted monomials."""
        zero = self.expectations.ring.zero
        powers = sorted({(j, g) for _, ((_, j, g), _) in wanted})

        @cache
        def with_agreements(s: Tokens, j: int, agreeing: int) -> Any:
            return sum((means[s][r] * (comb(j, r) * agreeing ** (j - r)) for r in range(j + 1)), zero)

        for t in self.explicit_tokens:
            totals = {}
            for j, g in powers:
                total = zero
                for s in means:
                    if not g or t[-1] == s[-1]:
                        agreeing = sum(a == b for a, b in zip(self.attended(t), self.attended(s)))
                        total = total + with_agreements(s, j, agreeing)
                if total:
                    totals[j, g] = total * self.x_power(self.counted(t), beta)
            for n, ((_, j, g), _) in wanted:
                if (j, g) in totals:
                    images[n][t] = images[n].get(t, zero) + totals[j, g]

    def _means(self, beta: Counts, power_yy: int, tokens: Tokens, polynomial: Any, largest: int) -> list[Any]:
        r""":math:`E[\prod_v n_v(y)^{\beta_v} u_{yy}^l h(y) m^r]` for r up to ``largest``, m and h counted on row one."""
        given = tuple(tokens.count(v) for v in range(self.vocab_size))
        weighted = self.y_power(self.counted(tokens), beta, power_yy) * polynomial
        means = [self.expectations.ring.zero] * (largest + 1)
        for exponents, coefficient in self.expectations.coefficients(weighted):
            exponents = (exponents if self.vocab_size > 1 else ()) + (0,)
            for r in range(largest + 1):
                means[r] = means[r] + self.expectations.power_moment(exponents, r, given) * coefficient
        return means

    def _in_counts(self, polynomial: Any) -> Any:
        """A seed polynomial as a polynomial in counts instead of centred counts."""
        over = self.expectations.ring
        polynomial = polynomial.set_ring(over)
        moved = [(M, M - self.expectations.mean) for M in over.gens[: self.vocab_size - 1]]
        return polynomial.compose(moved) if moved else polynomial

    @cached_property
    def _y_counts(self) -> list[Any]:
        """Token counts of y in row one, where the generators of the ring stand for them."""
        over = self.expectations.ring
        gens = list(over.gens[: self.vocab_size - 1])
        return [*gens, self.expectations.row - sum(gens, over.zero)]

    def _x_power(self, own: Counts, beta: Counts) -> Any:
        return self._product(self.expectations.counts, own, beta) * multinomial(beta)

    def _y_power(self, own: Counts, beta: Counts, power_yy: int) -> Any:
        return self._product(self._y_counts, own, beta) * self._sum_of_squares(self._y_counts, own) ** power_yy

    def _own_overlap_power(self, own: Counts, power: int) -> Any:
        return self._sum_of_squares(self.expectations.counts, own) ** power

    def _product(self, counts: Any, own: Counts, exponents: Counts) -> Any:
        value = self.expectations.ring.one
        for n, more, exponent in zip(counts, own, exponents):
            if exponent:
                value = value * (n + more) ** exponent
        return value

    def _sum_of_squares(self, counts: Any, own: Counts) -> Any:
        return sum(((n + more) ** 2 for n, more in zip(counts, own)), self.expectations.ring.zero)

    def attended(self, tokens: Tokens) -> Tokens:
        """The explicit tokens that count in u and m."""
        return tokens[:-1] if self.extra_token == "query" else tokens

    def counted(self, tokens: Tokens) -> Counts:
        """How often every token occurs among those that count in u and m."""
        attended = self.attended(tokens)
        return tuple(attended.count(v) for v in range(self.vocab_size))
