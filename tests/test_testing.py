"""The verification kit: what is right passes, and what is wrong is found and named."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from sympy.combinatorics import Permutation

from symrep import (
    MatchKernel,
    Partition,
    block_spectrum,
    kernels,
    measures,
    natural,
    orthogonal,
    partitions,
    seminormal,
    specht_module,
    spectrum,
    standard_tableaux,
    testing,
)
from symrep.errors import (
    FreeSymbolError,
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidPermutationError,
    InvalidTypeError,
    MissingPackageError,
    SizeLimitError,
    VerificationError,
)
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u


@pytest.mark.parametrize("make", [specht_module, seminormal, orthogonal])
@pytest.mark.parametrize("shape", [shape for n in range(1, 5) for shape in partitions(n)], ids=str)
def test_irreps_conform(make, shape):
    testing.check_representation(make(shape))


@pytest.mark.parametrize(
    "rho", [natural(4), seminormal((3, 2, 1)), specht_module((3, 2)), orthogonal((2, 2, 1))], ids=repr
)
def test_representations_conform_on_random_elements(rho):
    assert testing.check_representation(rho) is None
    testing.check_representation(rho, [Permutation(0, 1), Permutation([1, 2, 3, 0]), range(rho.n)])


@dataclass(frozen=True)
class Altered:
    """A representation with some methods replaced."""

    rho: Any
    changes: Any

    def __getattr__(self, name):
        change = self.changes.get(name)
        return getattr(self.rho, name) if change is None else change

    def __repr__(self):
        return f"altered {self.rho!r}"


SEMINORMAL = seminormal((3, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"matrix": lambda g: SEMINORMAL.matrix(g**-1), "to_numpy": lambda g: SEMINORMAL.to_numpy(g**-1)},
            r"rho\(p\*q\) != rho\(p\)\*rho\(q\) for p = \[.*\], q = \[.*\]",
        ),
        ({"to_numpy": lambda g: SEMINORMAL.to_numpy(g).T}, r"to_numpy differs from matrix by .* at \[0, 1, 3, 2\]"),
        ({"to_numpy": lambda g: np.eye(2)}, r"to_numpy\(\[0, 1, 2, 3\]\) has shape \(2, 2\), not \(3, 3\)"),
        (
            {"character": lambda g: seminormal((2, 1, 1)).character(g)},
            r"trace 1 is not the character -1 at \[0, 1, 3, 2\]",
        ),
        ({"generator": lambda i: SEMINORMAL.generator(4 - i)}, r"generator\(1\) is not the matrix of s_1"),
        ({"generator": lambda i: 2 * SEMINORMAL.generator(i)}, r"generator\(1\)\*\*2 is not the identity"),
        ({"dimension": 4}, r"matrix\(\[0, 1, 2, 3\]\) has shape \(3, 3\)"),
    ],
)
def test_false_representations_are_found(changes, message):
    with pytest.raises(VerificationError, match=message) as caught:
        testing.check_representation(Altered(SEMINORMAL, changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("normals", "message"),
    [
        (([1, 0], [1, 1], [1, 0]), "generators 1 and 2 break the braid relation"),
        (([1, 0], [sympy.Rational(1, 2), sympy.sqrt(3) / 2], [1, 1]), "generators 1 and 3 do not commute"),
    ],
)
def test_false_relations_are_found(normals, message):
    reflections = [sympy.eye(2) - 2 * v * v.T / (v.T * v)[0] for v in map(sympy.Matrix, normals)]
    identity = Permutation(3)

    def matrix(g):
        """Wrong on purpose away from the identity and the s_i, which is all that elements = [identity] looks at."""
        arrays = [[1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2]]
        return reflections[arrays.index(g.array_form)] if g.array_form in arrays else sympy.eye(2)

    changes = {
        "n": 4,
        "dimension": 2,
        "matrix": matrix,
        "generator": lambda i: reflections[i - 1],
        "character": lambda g: matrix(g).trace(),
        "to_numpy": lambda g: np.array(matrix(g).evalf(17), dtype=float),
    }
    with pytest.raises(VerificationError, match=message):
        testing.check_representation(Altered(SEMINORMAL, changes), [identity])


def test_an_identity_that_is_none_is_found():
    changes = {"matrix": lambda g: 2 * SEMINORMAL.matrix(g), "character": lambda g: 2 * SEMINORMAL.character(g)}
    changes["to_numpy"] = lambda g: 2 * SEMINORMAL.to_numpy(g)
    with pytest.raises(VerificationError, match="the identity is not represented by the identity"):
        testing.check_representation(Altered(SEMINORMAL, changes))


def test_elements_are_checked():
    with pytest.raises(InvalidPermutationError, match="elements must"):
        testing.check_representation(SEMINORMAL, [[1, 0]])


NUMBERS = {"token_variance": 2, "position_variance": "1/2", "query_token_variance": 3, "query_position_variance": "1/5"}


@pytest.mark.parametrize("readout", kernels.READOUTS)
@pytest.mark.parametrize(("vocab_size", "length"), [(1, 2), (2, 3), (3, 5)])
def test_networks_conform(readout, vocab_size, length):
    net = kernels.architecture("linear-block", readout, **NUMBERS)
    assert testing.check_kernel(net, vocab_size, length, token_symmetry=True) is None


@given(testing.kernels_polynomial(positive_semidefinite=True))
@settings(max_examples=20, deadline=None)
def test_nonnegative_polynomials_are_kernels(kernel):
    testing.check_kernel(kernel, 2, 3, token_symmetry=True)
    testing.check_kernel(kernel, 3, 4, extra_token="query")


def equal_tokens(at):
    return lambda X, Y: (X[:, None, at] == Y[None, :, at]) * 1.0


def test_an_extra_token_may_stay_in_place():
    for extra_token in ("last", "query"):
        testing.check_kernel(equal_tokens(-1), 2, 3, extra_token=extra_token)
    with pytest.raises(VerificationError, match="kernel changes under permutation"):
        testing.check_kernel(equal_tokens(-1), 2, 3)
    with pytest.raises(VerificationError, match="kernel changes under permutation"):
        testing.check_kernel(equal_tokens(-2), 2, 3, extra_token="last")


def test_the_witness_is_a_counterexample():
    kernel = equal_tokens(0)
    with pytest.raises(VerificationError) as caught:
        testing.check_kernel(kernel, 2, 3)
    pattern = r"permutation (\[.*?\]): K = (\S+) at x = (\[.*?\]), y = (\[.*?\]), then (\S+)$"
    g, before, x, y, after = (eval(text) for text in re.search(pattern, str(caught.value)).groups())
    moved = [[row[g.index(i)] for i in range(3)] for row in (x, y)]
    assert kernel(np.array([x]), np.array([y]))[0, 0] == before != after
    assert kernel(np.array([moved[0]]), np.array([moved[1]]))[0, 0] == after


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (
            lambda X, Y: X.sum(1)[:, None] + 0 * Y.sum(1),
            r"not symmetric: K\(x, y\) = 0.0 and K\(y, x\) = 1.0 at x = \[0, 0, 0\], y = \[0, 0, 1\]",
        ),
        (m - 2, "not positive semidefinite: eigenvalue -"),
        (lambda X, Y: np.full((len(X), len(Y)), np.nan), "kernel is not finite"),
        (lambda X, Y: np.ones(len(X)), "has shape"),
        (lambda X, Y: 1.0 * X.sum(1)[:, None] * Y.sum(1), "changes when tokens are renamed by"),
    ],
)
def test_false_kernels_are_found(kernel, message):
    with pytest.raises(VerificationError, match=message):
        testing.check_kernel(kernel, 2, 3, token_symmetry=True)


def test_a_wrong_overlap_polynomial_is_found(monkeypatch):
    net = kernels.architecture("linear-block", **NUMBERS)
    monkeypatch.setattr(kernels.Network, "overlap_polynomial", lambda self: u)
    with pytest.raises(VerificationError, match="from nngp to overlap_polynomial"):
        testing.check_kernel(net, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: testing.check_kernel(kernels.architecture("linear-block"), 2, 3),
            FreeSymbolError,
            "variance must be a number",
        ),
        (
            lambda: testing.check_kernel(kernels.serial(kernels.TokenEmbedding(1)), 2, 3),
            InvalidArchitectureError,
            "readout",
        ),
        (lambda: testing.check_kernel(3, 2, 3), InvalidTypeError, "kernel must be a network"),
        (
            lambda: testing.check_kernel(sympy.Symbol("z") * u, 2, 3),
            InvalidArgumentError,
            r"no symbols but u, m, g, u_xx, u_yy and L, got \['z'\]",
        ),
        (lambda: testing.check_kernel(u, 0, 3), InvalidArgumentError, "vocab_size must be at least 1"),
        (lambda: testing.check_kernel(u, 2, 2.0), InvalidTypeError, "length must be an integer"),
        (lambda: testing.check_kernel(u, 2, 2, extra_token="first"), InvalidArgumentError, "extra_token must be"),
        (
            lambda: testing.check_kernel(kernels.architecture("linear-block", **NUMBERS), 2, 3, extra_token="last"),
            InvalidArgumentError,
            "must be left out",
        ),
    ],
)
def test_kernel_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()


MIXTURE = measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["2/3", "1/3"]])
SPECTRUM = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))


@pytest.mark.parametrize("name", kernels.ARCHITECTURES)
@pytest.mark.parametrize("readout", kernels.READOUTS)
@pytest.mark.parametrize("measure", [measures.iid_uniform(2), measures.iid(["1/3", "2/3"]), MIXTURE], ids=repr)
def test_spectra_conform(name, readout, measure):
    net = kernels.architecture(name, readout)
    parameters = {s.name: sympy.Rational(2 + i, 3) for i, s in enumerate(net.parameters())}
    at_numbers = net.substitute(**parameters)
    assert testing.check_spectrum(spectrum(at_numbers, measure, 4), at_numbers) is None


def test_symbolic_spectra_conform():
    testing.check_spectrum(SPECTRUM)
    testing.check_spectrum(SPECTRUM, kernels.architecture("linear-block"), L=5, a=1, p="1/2")
    uniform = kernels.architecture("uniform-block", "query")
    testing.check_spectrum(spectrum(uniform, measures.iid_uniform()), uniform, L=3, V=3, a=1, p="1/2", a_q=2, p_q=0)
    testing.check_spectrum(spectrum(u * m + m, measures.iid_uniform(2)), u * m + m, L=4)


def without_first_block():
    return replace(SPECTRUM, blocks=SPECTRUM.blocks[1:])


def with_scaled_block():
    s = spectrum(u, measures.iid_uniform(2), 4)
    return replace(s, blocks=(replace(s.blocks[0], matrix=2 * s.blocks[0].matrix), *s.blocks[1:]))


@pytest.mark.parametrize(
    ("false_spectrum", "message"),
    [
        (without_first_block, "traces of the blocks sum to .*, not to the expected trace"),
        (with_scaled_block, "traces of the blocks sum to .*, not to the expected trace"),
        (lambda: replace(SPECTRUM, expected_trace=SPECTRUM.expected_trace + 1), "not to the expected trace"),
        (
            lambda: replace(spectrum(m, measures.iid_uniform(2), 4), total_dimension=3),
            "degeneracy of zero is -2, a negative number",
        ),
        (
            lambda: copied(SPECTRUM, _OneLevelMissing),
            "eigenvalues times degeneracies miss the expected trace .* by .* at L = ",
        ),
        (lambda: copied(SPECTRUM, _NullSpaceTooLarge), "degeneracies sum to .*, not to the total dimension 2"),
    ],
)
def test_false_spectra_are_found(false_spectrum, message):
    with pytest.raises(VerificationError, match=message):
        testing.check_spectrum(false_spectrum())


def copied(s, cls):
    """The spectrum as an object of a subclass."""
    copy = object.__new__(cls)
    copy.__dict__.update({k: v for k, v in s.__dict__.items() if k not in ("levels", "zero_degeneracy")})
    return copy


class _OneLevelMissing(type(SPECTRUM)):
    @property
    def levels(self):
        return super().levels[1:]


class _NullSpaceTooLarge(type(SPECTRUM)):
    @property
    def zero_degeneracy(self):
        return self.total_dimension


def test_the_spectrum_of_another_kernel_is_found():
    net = kernels.architecture("linear-block", **NUMBERS)
    other = kernels.architecture("linear-block", **(NUMBERS | {"position_variance": 1}))
    with pytest.raises(
        VerificationError, match=r"eigenvalues of \(3\) differ from the dense spectrum: \[.*\], dense \["
    ):
        testing.check_spectrum(spectrum(other, measures.iid_uniform(2), 3), net)
    # m = 3 on the diagonal, so the traces agree.
    with pytest.raises(VerificationError, match="differ from the dense spectrum"):
        testing.check_spectrum(spectrum(m, measures.iid_uniform(2), 3), m**2 / 3)


def test_exchanged_shapes_are_found():
    s = spectrum(m + 1, measures.iid_uniform(2), 4)
    shapes = {Partition((3, 1)): Partition((2, 2))}
    moved = replace(s, blocks=tuple(replace(b, shape=shapes.get(b.shape, b.shape)) for b in s.blocks))
    with pytest.raises(VerificationError, match=r"eigenvalues of \(3,1\) differ from the dense spectrum"):
        testing.check_spectrum(moved, m + 1)


RELU = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
BLOCKS = block_spectrum(RELU, measures.iid_uniform(2), 5)
LONG = block_spectrum(RELU, measures.iid_uniform(2), 30)


@pytest.mark.parametrize("readout", kernels.READOUTS)
@pytest.mark.parametrize(
    ("measure", "length"), [(measures.dirichlet_multinomial([1, 2]), 4), (measures.iid_uniform(3), 3), (MIXTURE, 12)]
)
def test_block_spectra_conform(readout, measure, length):
    net = kernels.architecture("linear-block", readout, **NUMBERS)
    testing.check_spectrum(block_spectrum(net, measure, length), net, positive=True)


def test_block_spectra_of_functions_conform():
    def kernel(N):
        return np.cos(N[:, 0, 0] - 2.0 * N[:, 1, 1]) + np.sin(1.0 * N[:, 0, 1] * N[:, 1, 0])

    for length in (6, 14):
        testing.check_spectrum(block_spectrum(kernel, measures.iid(["1/3", "2/3"]), length), kernel)
    some = block_spectrum(RELU, measures.iid_uniform(2), 100, shapes=[(100,), (98, 2)])
    testing.check_spectrum(some, RELU, positive=True)


def with_block(s, number, **changes):
    changed = {name: change(s.blocks[number]) for name, change in changes.items()}
    blocks = (*s.blocks[:number], replace(s.blocks[number], **changed), *s.blocks[number + 1 :])
    return replace(s, blocks=blocks)


def turned(block):
    """The matrix of the block in a wrong basis, which moves the eigenfunctions but not the eigenvalues."""
    return lambda: np.roll(block.matrix, 1 + block.size // 3, axis=(0, 1))


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (
            lambda: with_block(BLOCKS, 1, eigenvalues=lambda b: b.eigenvalues[:-1]),
            {},
            r"\(4,1\) has 3 eigenvalues, not its",
        ),
        (lambda: with_block(BLOCKS, 1, eigenvalues=lambda b: b.eigenvalues[::-1]), {}, r"\(4,1\) do not decrease"),
        (lambda: with_block(BLOCKS, 0, eigenvalues=lambda b: b.eigenvalues * np.nan), {}, r"\(5\) are not all real"),
        (lambda: with_block(BLOCKS, 0, eigenvalues=lambda b: b.eigenvalues * 1j), {}, r"\(5\) are not all real"),
        (
            lambda: with_block(BLOCKS, 0, eigenvalues=lambda b: b.eigenvalues - 0.1),
            {"positive": True},
            "negative eigenvalue -",
        ),
        (
            lambda: with_block(BLOCKS, 0, eigenvalues=lambda b: b.eigenvalues * 1.01),
            {},
            "eigenvalues sum to .* expected trace",
        ),
        (
            lambda: replace(BLOCKS, expected_trace=BLOCKS.expected_trace / 2),
            {"positive": True},
            "more than the expected trace",
        ),
        (
            lambda: replace(BLOCKS, blocks=BLOCKS.blocks * 2),
            {},
            "degeneracies sum to 64, not to the total dimension 32",
        ),
        (lambda: replace(BLOCKS, length=6), {"kernel": RELU}, "block spectrum and dense spectrum: <SpectrumComparison"),
        (lambda: BLOCKS, {"kernel": m}, r"squares of the eigenvalues sum to .*, not to E K\^2"),
        (lambda: with_block(BLOCKS, 1, make_matrix=turned), {"kernel": RELU}, r"eigenfunction 0 of \(4,1\) misses"),
        (lambda: with_block(LONG, 1, make_matrix=turned), {"kernel": RELU}, r"sampled Rayleigh quotient of \(29,1\)"),
        (
            lambda: LONG,
            {"kernel": kernels.serial(*RELU.layers[:-1], kernels.LastToken())},
            "kernel has the extra token last",
        ),
    ],
)
def test_false_block_spectra_are_found(make, options, message):
    with pytest.raises(VerificationError, match=message):
        testing.check_spectrum(make(), **options)


def test_a_kernel_with_the_same_squares_is_told_apart_by_the_dense_spectrum():
    b = block_spectrum(m - 2, measures.iid_uniform(2), 4)
    testing.check_spectrum(b, m - 2)
    with pytest.raises(VerificationError, match=r"block spectrum and dense spectrum: .* at \(4\)"):
        testing.check_spectrum(b, 2 - m)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: testing.check_spectrum(3), InvalidTypeError, "spectrum must be a Spectrum or a BlockSpectrum, got 3"),
        (
            lambda: testing.check_spectrum(SPECTRUM, L=3),
            InvalidArgumentError,
            "kernel must be given to compare numbers with",
        ),
        (lambda: testing.check_spectrum(SPECTRUM, positive=True), InvalidArgumentError, "positive must be left out"),
        (
            lambda: testing.check_spectrum(BLOCKS, RELU, L=5),
            InvalidArgumentError,
            r"numbers must be left out .* \['L'\]",
        ),
        (lambda: testing.check_spectrum(SPECTRUM, u, L=3), FreeSymbolError, "needs numbers for a, p"),
        (lambda: testing.check_spectrum(SPECTRUM, u, L=3, b=2), InvalidArgumentError, "symbol must be one of"),
        (
            lambda: testing.check_spectrum(spectrum(u, measures.iid_uniform(2), 11), u),
            SizeLimitError,
            "at most 1024 sequences .*, got 2048",
        ),
    ],
)
def test_spectrum_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()


@given(testing.partitions_of(2, 6))
@settings(max_examples=50, deadline=None)
def test_partitions_have_the_sizes_asked_for(shape):
    assert isinstance(shape, Partition) and 2 <= shape.size <= 6


@pytest.mark.parametrize("parts", [(), (5,), (3, 2), (2, 2, 1), (1, 1, 1, 1, 1)])
def test_every_partition_can_be_drawn(parts):
    assert find(testing.partitions_of(0, 5), lambda shape: shape.parts == parts).parts == parts


@given(testing.standard_tableaux_of((3, 2, 1)), testing.standard_tableaux_of(min_n=2, max_n=4))
@settings(max_examples=50, deadline=None)
def test_tableaux_have_the_shapes_asked_for(fixed, free):
    assert fixed.shape.parts == (3, 2, 1) and 2 <= free.size <= 4


def test_every_standard_tableau_can_be_drawn():
    for tableau in standard_tableaux((3, 2)):
        assert find(testing.standard_tableaux_of((3, 2)), tableau.__eq__) == tableau


@given(testing.permutations_of(4), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_permutations_are_sympys(g, i):
    assert isinstance(g, Permutation) and g.size == 4 and (g**-1)(g(i)) == i


@given(testing.kernels_polynomial(3))
@settings(max_examples=20, deadline=None)
def test_polynomials_have_the_degree_asked_for(kernel):
    assert kernel.free_symbols <= {u, m} and sympy.Poly(kernel, u, m).total_degree() <= 3


@pytest.mark.parametrize("kind", ["LinearAttention", "UniformAttention", "Dense", "Residual"])
@pytest.mark.parametrize("readout", kernels.READOUTS)
def test_every_kind_of_network_can_be_drawn(kind, readout):
    def has_kind(net):
        return any(type(layer).__name__ == kind for layer in net.layers[2:])

    quick = settings(phases=[Phase.generate], database=None, max_examples=1000)
    net = find(testing.networks(readouts=(readout,)), has_kind, settings=quick)
    assert isinstance(net, kernels.Network) and net.parameters() == ()


@given(testing.measures(3), testing.measures(max_vocab_size=2, max_states=1))
@settings(max_examples=30, deadline=None)
def test_measures_have_the_vocabulary_asked_for(fixed, free):
    assert fixed.vocab_size == 3 and free.vocab_size in (1, 2)
    assert not isinstance(free, measures.FrozenMixture) or len(free.weights) == 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: testing.partitions_of(3, 2), InvalidArgumentError, "max_n must be at least 3"),
        (lambda: testing.partitions_of(-1, 2), InvalidArgumentError, "min_n must be at least 0"),
        (lambda: testing.permutations_of(-1), InvalidArgumentError, "n must be at least 0"),
        (lambda: testing.standard_tableaux_of((1, 2)), InvalidArgumentError, "shape is not a partition"),
        (lambda: testing.networks(readouts=("mean",)), InvalidArchitectureError, "readouts must be some of pool"),
        (
            lambda: testing.networks(max_linear_attentions=-1),
            InvalidArgumentError,
            "max_linear_attentions must be at least 0",
        ),
        (lambda: testing.networks(max_layers=-1), InvalidArgumentError, "max_layers must be at least 0"),
        (lambda: testing.kernels_polynomial(-1), InvalidArgumentError, "max_degree must be at least 0"),
        (lambda: testing.measures(0), InvalidArgumentError, "vocab_size must be at least 1"),
    ],
)
def test_strategy_arguments_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        find(make(), lambda drawn: True)


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'check_nothing'"):
        testing.check_nothing
    assert set(testing.__all__) <= set(dir(testing))


def test_checks_work_without_hypothesis():
    code = "import sys; sys.modules['hypothesis'] = None\nfrom symrep import seminormal, testing\n"
    code += "testing.check_representation(seminormal((2, 1)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_without_hypothesis(monkeypatch):
    import importlib.util
    from pathlib import Path

    assert set(testing.__all__) >= {"networks", "check_kernel"}
    monkeypatch.setattr(testing, "find_spec", lambda name: None)
    with pytest.raises(
        MissingPackageError, match="networks needs hypothesis, which is not installed: python -m pip install"
    ):
        testing.__getattr__("networks")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    namespace = {"__name__": "alone"}
    exec(Path(testing.__file__).read_text(encoding="utf-8"), namespace)
    assert namespace["__all__"] == ["check_kernel", "check_representation", "check_spectrum"]


def test_kernels_of_the_wrong_arguments_or_shape_are_explained():
    with pytest.raises(
        InvalidTypeError, match=r"must take three arrays: counts_x \(k, V\), counts_y \(k, V\) and matches \(k,\)"
    ):
        MatchKernel(lambda matches: matches)
    with pytest.raises(VerificationError, match=r"has shape \(16,\), not \(16, 16\): it must compare all pairs"):
        testing.check_kernel(lambda x, y: np.exp((x == y).sum(-1)), vocab_size=2, length=4)


def test_block_spectra_against_functions_of_sequences():
    net = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    blocks = block_spectrum(net, measures.iid_uniform(2), 4)
    for kernel in (net.nngp, lambda x, y: net.nngp(x, y)):
        testing.check_spectrum(blocks, kernel, positive=True)
    for kernel in (net.ntk, lambda x, y: 1.01 * net.nngp(x, y)):
        with pytest.raises(VerificationError):
            testing.check_spectrum(blocks, kernel)
    last = block_spectrum(
        kernels.architecture("relu-block", "last", token_variance=1, position_variance=1), measures.iid_uniform(2), 4
    )
    with pytest.raises(VerificationError, match="says nothing of a last or query token"):
        testing.check_spectrum(last, lambda x, y: net.nngp(x, y))
    closed = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    with pytest.raises(InvalidTypeError, match="EvaluatedSpectrum.*numbers for the symbols of a Spectrum stand behind"):
        testing.check_spectrum(closed.evaluate(L=4, a=1, p=1))


@pytest.mark.parametrize("kernel", [lambda x, y: np.exp((x == y).sum(axis=1)), lambda x, y: 1.0])
def test_functions_of_sequences_that_give_no_gram_matrix(kernel):
    blocks = block_spectrum(
        kernels.architecture("relu-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 4
    )
    with pytest.raises(InvalidArgumentError, match=r"kernel\(X, Y\) must have shape \(1, 1\)"):
        testing.check_spectrum(blocks, kernel)
