"""A report on how symmetric a text is under permutations of its words: measured, with controls beside it, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from symrep.display import Column, Table
from symrep.errors import require, require_integer
from symrep.measures.text.components import PrincipalComponent, principal_components
from symrep.measures.text.controls import CONTROLS
from symrep.measures.text.corpus import Corpus
from symrep.measures.text.covariance import CovarianceSymmetry, covariance_symmetry
from symrep.measures.text.permutation_tests import ExchangeabilityTest, exchangeability_test
from symrep.measures.text.resampling import Estimate
from symrep.measures.text.windows import Windows, text_windows

TEXT = "text"
MARKOV = "Markov chain, same bigrams"
_PAIR_WINDOWS = 20_000
_TRIPLE_PRODUCTS = 1_300_000
_SIGNIFICANT = 0.05
_CLEAR = 0.8
_NUMERALS = {1: "one position", 2: "two positions", 3: "three positions"}
_FEWEST_PERMUTATIONS = 59


@dataclass(frozen=True, eq=False)
class TextReport:
    """What was measured on a text and on its controls; made by :func:`text_report`.

    Attributes
    ----------
    corpus, windows
        The text.
    symmetry
        The covariance of the text (``"text"``) and of every control, by name.
    components
        The leading principal components of the text.
    tests
        Tests of exchangeability by the moments of one, two and three positions.
    n_tested
        The number of windows in every test.
    """

    corpus: Corpus
    windows: Windows
    symmetry: dict[str, CovarianceSymmetry]
    components: tuple[PrincipalComponent, ...]
    tests: tuple[ExchangeabilityTest, ...]
    n_tested: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<TextReport of {self.corpus.source}: {len(self.windows)} windows of length {self.windows.length}>"

    def table(self) -> Table:
        """The symmetric share of the covariance, of the text and of its controls."""
        quantities = {
            "off_diagonal_fraction": "symmetric, different positions",
            "toeplitz_fraction": "function of distance",
            "toeplitz_gap": "gap",
            "total_fraction": "symmetric, all positions",
            "off_diagonal_energy": "energy, different positions",
            "multiplet_spread": "spread of the standard multiplet",
        }
        columns = [Column("data", "data")]
        for key, heading in quantities.items():
            columns += _estimate_columns(key, heading)
        rows = []
        for name, found in self.symmetry.items():
            values = [found.off_diagonal_fraction, found.toeplitz_fraction, found.toeplitz_gap, found.total_fraction]
            values += [found.energy("off_diagonal"), found.multiplets[0].spread]
            rows.append((name, *(cell for value in values for cell in _estimate_cells(value))))
        notes = (
            "Shares of the squared one-hot covariance, without the bias of noise, so that estimates may lie beyond 0 and 1; 95 % "
            "bootstrap intervals over chunks.",
            "Function of distance: the share that depends on the distance of two positions alone; gap: this less the symmetric share. "
            "Spread: of the eigenvalues that would be one multiplet of the standard irrep, over their mean.",
            f"{len(self.windows)} windows of length {self.windows.length}, V = {self.windows.vocab_size}.",
        )
        caption = f"Permutation symmetry of the covariance of {self.corpus.source}."
        return Table("text-symmetry", caption, tuple(columns), tuple(rows), notes)

    def components_table(self) -> Table:
        """The principal components with their irreps and leading tokens."""
        columns = [Column("component", "component"), *_estimate_columns("variance", "variance")]
        columns += [Column("trivial_weight", "trivial"), Column("standard_weight", "standard")]
        columns.append(Column("tokens", "leading tokens"))
        rows = []
        for number, found in enumerate(self.components, start=1):
            tokens = " ".join(self.corpus.vocabulary[token] for token in found.leading_tokens())
            rows.append((number, *_estimate_cells(found.variance), found.trivial_weight, found.standard_weight, tokens))
        notes = ("Fitted on every other chunk, variances on the rest.",)
        caption = f"Principal components of windows of {self.corpus.source}."
        return Table("text-components", caption, tuple(columns), tuple(rows), notes)

    def tests_table(self) -> Table:
        """The tests of exchangeability."""
        columns = (
            Column("positions", "positions"),
            Column("n_windows", "windows"),
            Column("excess", "excess in standard deviations"),
            Column("p_value", "p", "$p$"),
        )
        rows = tuple((test.order, n, test.excess, test.p_value) for test, n in zip(self.tests, self.n_tested))
        smallest = 1 / (1 + len(self.tests[0].null))
        notes = (f"Against permutations of the tokens within windows; p cannot be below {smallest:.3g}.",)
        return Table("text-tests", "Do moments differ between positions?", columns, rows, notes)

    def tables(self) -> list[Table]:
        """All tables."""
        return [self.table(), self.components_table(), *([self.tests_table()] if self.tests else [])]

    def summary(self) -> str:
        """One paragraph: what may be concluded, and what may not."""
        found, length = self.symmetry[TEXT], self.windows.length
        share, total = found.off_diagonal_fraction, found.total_fraction
        if not total.is_known:
            return f"All {len(self.windows)} windows are alike at every position: there is nothing to measure."
        if not share.is_known:
            unresolved = f"No covariance between different positions is resolved in {len(self.windows)} windows: "
            return " ".join([unresolved + "nothing can be said of its symmetry.", *self._verdict()])
        markov = self.symmetry[MARKOV].off_diagonal_fraction if MARKOV in self.symmetry else None
        sentences = [
            f"Of the covariance between different positions (L = {length}, V = {self.windows.vocab_size}), "
            f"{_percent(share)} is symmetric under permutations of the positions ({_interval(share)})."
        ]
        if markov is not None and markov.is_known:
            beyond = "not shown to be more"
            if share.low > markov.high or share.high < markov.low:
                beyond = "more" if share.low > markov.high else "less"
            sentences.append(
                f"A Markov chain with the same pairs of neighbouring positions has {_percent(markov)}: the text is {beyond} "
                "symmetric than these pairs explain."
            )
        sentences += self._verdict()
        sentences.append(
            f"That {_percent(total)} of all covariance is symmetric proves nothing: the blocks of equal positions are alike in "
            "any stationary text."
        )
        sentences.append(self._leading())
        return " ".join(sentences)

    def _verdict(self) -> list[str]:
        if not self.tests:
            return []
        rejected = [test for test in self.tests if test.p_value <= _SIGNIFICANT / len(self.tests)]
        names = {1: "frequencies of words", 2: "pairs of positions", 3: "triples of positions"}
        if rejected:
            found = " and ".join(f"{names[test.order]} (p = {test.p_value:.3g})" for test in rejected)
            return [
                f"Word order matters, by {found}: predictions for exchangeable data hold for its symmetric part alone."
            ]
        least, most = min(test.p_value for test in self.tests), max(test.order for test in self.tests)
        share = self.symmetry[TEXT].off_diagonal_fraction
        if share.is_known and share.high < 1:
            return [
                "The interval of the text excludes 100 %, so word order matters, although tests of a few moments do not resolve it "
                f"(smallest p = {least:.2g} of {len(self.tests)} tests)."
            ]
        return [
            f"Exchangeability is not rejected by moments of up to {_NUMERALS[most]} (smallest p = {least:.2g} of "
            f"{len(self.tests)} tests): word order leaves no trace in them that these windows resolve, which does not prove "
            "that there is none."
        ]

    def _leading(self) -> str:
        first = self.components[0]
        trivial = first.trivial_weight > 0.5
        if max(first.trivial_weight, first.standard_weight) < _CLEAR:
            return f"The leading principal component mixes both irreps ({100 * first.trivial_weight:.0f} % trivial)."
        weight, irrep = (first.trivial_weight, "trivial") if trivial else (first.standard_weight, "standard")
        meaning = "which words a window has, wherever they stand" if trivial else "where in the window its words stand"
        return f"The leading principal component is {100 * weight:.0f} % {irrep}: it tells {meaning}."

    def plot(self, ax: Any = None, *, quantity: str = "covariance") -> Any:
        """The covariance blocks by pair of positions, or principal components by position; see :mod:`symrep.plots.text`."""
        from symrep.plots import text_plot

        return text_plot(self, ax, quantity=quantity)

    def _repr_html_(self) -> str:
        return f"<p>{self.summary()}</p>" + "".join(table._repr_html_() for table in self.tables())


def text_report(
    corpus: Corpus,
    length: int = 16,
    *,
    stride: int | None = None,
    spacing: int = 1,
    n_chunks: int = 20,
    controls: bool = True,
    n_permutations: int = 199,
    seed: int = 0,
    progress: bool = False,
) -> TextReport:
    """Measure how symmetric a text is under permutations of the positions in its windows.

    Parameters
    ----------
    corpus
        From :func:`read_corpus`.
    length, stride, spacing, n_chunks
        As for :func:`text_windows`.
    controls
        Whether to measure windows shuffled within, the corpus shuffled, and a Markov chain beside the text.
    n_permutations
        In the tests of exchangeability: at least 59, below which no p-value can be small enough; 0 for no tests.
    seed
        Of controls, intervals and tests: the same seed gives the same report.
    progress
        Show a progress bar.

    Notes
    -----
    The tests use windows that share no tokens, every few of them where the stride is shorter than a window.

    Examples
    --------
    >>> from symrep.measures.text import read_corpus
    >>> report = text_report(read_corpus(vocab_size=10), 4, n_permutations=0)
    >>> report.symmetry["text"].off_diagonal_fraction.value < report.symmetry["shuffled within windows"].off_diagonal_fraction.value
    True
    """
    from tqdm import tqdm

    windows = text_windows(corpus, length, stride=stride, spacing=spacing, n_chunks=n_chunks)
    n_permutations = require_integer(n_permutations, "n_permutations", minimum=0)
    enough = n_permutations == 0 or n_permutations >= _FEWEST_PERMUTATIONS
    require(enough, "n_permutations", f"must be 0 or at least {_FEWEST_PERMUTATIONS}", n_permutations)
    seed = require_integer(seed, "seed", minimum=0)
    steps = {TEXT: lambda own: own}
    for number, (name, make) in enumerate(CONTROLS.items() if controls else ()):
        steps[name] = partial(make, generator=np.random.default_rng([seed, number]))
    bar = tqdm(total=len(steps) + 1 + 3 * (n_permutations > 0), disable=not progress, leave=False)
    with bar:
        symmetry = {}
        for name, make in steps.items():
            bar.set_description(name)
            symmetry[name] = covariance_symmetry(make(windows), seed=seed)
            bar.update()
        bar.set_description("principal components")
        components = principal_components(windows, seed=seed)
        bar.update()
        tests, n_tested = [], []
        for order in (1, 2, 3) if n_permutations else ():
            if length < order + (order > 1):
                break
            bar.set_description(f"test by {order} positions")
            n_windows = _PAIR_WINDOWS if order < 3 else max(_TRIPLE_PRODUCTS // length**2, 2)
            sample = windows.sample(n_windows, np.random.default_rng([seed, len(CONTROLS) + order]))
            tests.append(exchangeability_test(sample, order=order, n_permutations=n_permutations, seed=seed))
            n_tested.append(len(sample))
            bar.update()
    return TextReport(corpus, windows, symmetry, components, tuple(tests), tuple(n_tested))


def _estimate_columns(key: str, heading: str) -> list[Column]:
    bounds = [Column(f"{key}_{end}", heading, only="data") for end in ("low", "high")]
    return [Column(key, heading, only="data"), *bounds, Column(f"{key}_interval", heading, only="display")]


def _estimate_cells(value: Estimate) -> tuple[Any, ...]:
    numbers = (value.value, value.low, value.high) if value.is_known else (None, None, None)
    return (*numbers, value)


def _percent(value: Estimate) -> str:
    return f"{100 * value.value:.3g} %"


def _interval(value: Estimate) -> str:
    return f"95 % interval {100 * value.low:.3g} to {100 * value.high:.3g} %"
