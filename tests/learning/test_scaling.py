"""Bounds, exponents and samples needed, against numbers from the dense operator and against simulation-free theory."""

import numpy as np
import pytest
import sympy
from scipy.optimize import brentq

from symrep import Partition, block_spectrum, kernels, learning, measures, spectrum, substitute
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, NotInvariantError
from symrep.kernels.overlaps import length_symbol as L
from symrep.spectra.asymptotics import leading_term

a, p, delta = sympy.symbols("a p delta", positive=True)


@pytest.fixture(scope="module")
def pooled():
    return spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))


def _standard(laws):
    """The standard irrep of the pooled block at V = 2: even and odd under renaming."""
    found = {str(law.level.token_shape): law for law in laws if str(law.level.shape) == "(L-1,1)"}
    return found["(2)"], found["(1,1)"]


def test_exponents_of_the_solved_block(pooled):
    even, odd = _standard(learning.scaling_law(pooled))
    assert [odd.exponent(q) for q in ("dimension_bound", "trace_bound", "eigenvalue")] == [1, 2, 2]
    assert [even.exponent(q) for q in ("dimension_bound", "trace_bound", "eigenvalue")] == [1, 2, 3]


def test_dimension_bound_has_the_depth_as_exponent():
    spec = spectrum(kernels.architecture("linear-block", "flatten"), measures.iid_uniform(3))
    laws = learning.scaling_law(spec)
    assert {law.level.shape.depth for law in laws} == {0, 1, 2}
    assert all(law.exponent("dimension_bound") == law.level.shape.depth for law in laws)


def test_bounds_are_the_definitions(pooled):
    for law in learning.scaling_law(pooled):
        assert sympy.simplify(law.dimension_bound * law.dimension - pooled.expected_trace) == 0
        block_traces = [b.trace * b.degeneracy for b in pooled.blocks if b.shape == law.level.shape]
        assert sympy.simplify(law.trace_bound * law.dimension - sum(block_traces)) == 0


@pytest.mark.parametrize("readout", ["pool", "flatten", "last", "query"])
@pytest.mark.parametrize("length", [4, 6])
def test_bounds_order_and_hold(readout, length):
    spec = spectrum(kernels.architecture("linear-block", readout), measures.iid_uniform(2), length=length)
    spec = spec.substitute(
        **{s.name: sympy.Rational(k + 2, 3) for k, s in enumerate(sorted(spec.free_symbols(), key=str))}
    )
    for law in learning.scaling_law(spec, ridge="1/7"):
        eigenvalue, trace_bound, dimension_bound = (
            float(v) for v in (law.level.eigenvalue, law.trace_bound, law.dimension_bound)
        )
        assert eigenvalue <= trace_bound * (1 + 1e-12)
        assert trace_bound <= dimension_bound * (1 + 1e-12)
        assert 0 < float(law.tightness) <= 1 and 0 < float(law.trace_tightness) <= 1
        samples = [float(law.samples(method)) for method in learning.METHODS]
        assert samples == sorted(samples)


@pytest.mark.parametrize("learnability", ["1/2", "1/10", "19/20"])
@pytest.mark.parametrize("length", [3, 7])
def test_self_consistent_samples_give_the_learnability(pooled, length, learnability):
    """Solve for kappa numerically at the stated number of samples, with every eigenvalue of the operator."""
    ridge = 0.3
    spec = pooled.substitute(L=length, a="2/3", p="5/7")
    eigenvalues = np.array([float(level.eigenvalue) for level in spec.levels])
    degeneracies = np.array([level.degeneracy for level in spec.levels])
    for law in learning.scaling_law(spec, ridge="3/10", learnability=learnability):
        n_samples = float(law.samples())

        def excess(kappa, n_samples=n_samples):
            return np.sum(degeneracies * eigenvalues / (eigenvalues + kappa)) + ridge / kappa - n_samples

        kappa = brentq(excess, 1e-9, 1e6, xtol=1e-15, rtol=1e-14)
        eigenvalue = float(law.level.eigenvalue)
        assert eigenvalue / (eigenvalue + kappa) == pytest.approx(float(sympy.Rational(learnability)), abs=1e-9)


def test_closed_form_samples_agree_with_substituted_ones(pooled):
    numbers = {L: 9, a: sympy.Rational(2, 3), p: sympy.Rational(5, 7), delta: sympy.Rational(1, 20)}
    spec = pooled.substitute(L=9, a="2/3", p="5/7")
    symbolic = sorted(float(law.samples().subs(numbers)) for law in learning.scaling_law(pooled))
    numeric = sorted(float(law.samples()) for law in learning.scaling_law(spec, ridge="1/20"))
    assert symbolic == pytest.approx(numeric, rel=1e-12)


def test_leading_samples_are_the_limits(pooled):
    numbers = {a: 2, p: sympy.Rational(5, 7), delta: sympy.Rational(1, 20)}
    far = {L: 10**18}
    for law in learning.scaling_law(pooled):
        for method in learning.METHODS:
            ratio = law.samples(method).subs(numbers).subs(far) / law.leading_samples(method).as_expression().subs(
                numbers
            ).subs(far)
            assert abs(sympy.N(ratio, 80) - 1) < 1e-12


def test_tightness_leading_is_that_of_the_closed_form(pooled):
    rational = [law for law in learning.scaling_law(pooled) if law.level.eigenvalue.is_rational_function(L)]
    assert len(rational) == 3
    for law in rational:
        assert leading_term(law.tightness) == law.leading("tightness")


def test_samples_needed_selects_the_labels(pooled):
    [value] = learning.samples_needed(pooled, (1,), (2,), method="equivalent-kernel")
    assert sympy.simplify(value - 2 * L**2 * delta / (a**2 * p * (L - 2))) == 0
    assert len(learning.samples_needed(pooled, (1,), method="trace-bound")) == 2


def test_tables_have_one_row_per_level(pooled):
    laws = learning.scaling_law(pooled)
    assert len(laws.table().rows) == len(laws.samples_table().rows) == len(pooled.levels) == 5
    numeric = learning.scaling_law(pooled.substitute(L=4, a=1, p=1), ridge=1)
    assert "exponents" not in numeric.table().to_csv()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ridge": 0}, "ridge must be positive"),
        ({"ridge": -1}, "ridge must not be negative"),
        ({"learnability": 1}, "learnability must be strictly between 0 and 1"),
        ({"learnability": 0}, "learnability must be strictly between 0 and 1"),
    ],
)
def test_bad_arguments(pooled, arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        learning.scaling_law(pooled, **arguments)


def test_bad_spectrum_method_and_quantity(pooled):
    with pytest.raises(InvalidTypeError, match="spec must be a spectrum from spectrum or block_spectrum"):
        learning.scaling_law(pooled.levels)
    law = learning.scaling_law(pooled)[0]
    with pytest.raises(InvalidArgumentError, match="method must be one of"):
        law.samples("guess")
    with pytest.raises(InvalidArgumentError, match="quantity must be one of"):
        law.leading("beauty")
    finite = learning.scaling_law(pooled.substitute(L=4))[0]
    with pytest.raises(InvalidArgumentError, match="length must be the symbol L"):
        finite.leading("eigenvalue")


def test_kernels_that_are_not_positive_are_refused():
    from symrep.kernels.overlaps import matches_symbol, overlap_symbol

    spec = spectrum(matches_symbol - overlap_symbol, measures.iid_uniform(2), 4)
    with pytest.raises(InvalidArgumentError, match="spec must have no negative eigenvalue"):
        learning.scaling_law(spec, "1/10")


def test_the_zero_kernel_has_empty_tables():
    spec = spectrum(
        kernels.architecture("linear-block", token_variance=0, position_variance=0), measures.iid_uniform(2)
    )
    laws = learning.scaling_law(spec)
    assert len(laws) == 0 and laws.table().rows == laws.samples_table().rows == ()


@pytest.mark.parametrize("arguments", [{"ridge": L}, {"ridge": 1 / L}, {"learnability": 1 + p}, {"learnability": L}])
def test_ridge_and_learnability_are_constants(pooled, arguments):
    with pytest.raises(InvalidArgumentError, match="must not depend on L|must be strictly between 0 and 1"):
        learning.scaling_law(pooled, **arguments)


def test_crossover_ridge_splits_the_samples_in_halves():
    spec = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 7).substitute(a="1/2", p=1)
    for law in learning.scaling_law(spec, ridge="1/10", learnability="1/4"):
        ridge = law.crossover_ridge()
        again = learning.scaling_law(spec, ridge=sympy.Rational(str(float(ridge))), learnability="1/4")
        same = [other for other in again if other.level == law.level][0]
        kappa = float(law.level.eigenvalue.evalf()) * 3
        assert float(same.samples()) == pytest.approx(2 * float(ridge) / kappa, rel=1e-12)


def test_laws_of_one_shape():
    for readout in ("pool", "query"):
        spec = spectrum(kernels.architecture("linear-block", readout), measures.iid_uniform(3))
        laws = learning.scaling_law(spec)
        found = [law for block in spec.blocks for law in laws.select(block.shape, block.token_shape, block.query_shape)]
        assert sorted(map(str, found)) == sorted(map(str, laws)) and len(found) == len(laws)
        assert "<table" in laws.select((1,))._repr_html_() and len(laws.select((1,))) < len(laws)
    with pytest.raises(InvalidArgumentError, match="shape must be one of"):
        laws.select((5,))


def test_laws_at_numbers_are_those_of_the_spectrum_there():
    spec = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    laws = learning.scaling_law(spec)
    numbers = {"L": 30, "a": "1/2", "p": 2}
    expected = learning.scaling_law(spec.substitute(**numbers), "1/10", "1/3")
    for found in (
        laws.substitute(**numbers, delta="1/10").samples_table(),
        learning.scaling_law(spec, "1/10", "1/2").substitute(**numbers).samples_table(),
    ):
        assert found == learning.scaling_law(spec.substitute(**numbers), "1/10").samples_table()
    assert (
        learning.scaling_law(spec, learnability="l").substitute(**numbers, delta="1/10", l="1/3").samples_table()
        == expected.samples_table()
    )
    with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, delta, p, got 'x'"):
        laws.substitute(x=1)
    for shape, at in (((), (30,)), ((1,), (29, 1))):
        chosen = laws.select(shape).substitute(**numbers)
        assert list(chosen) == list(laws.substitute(**numbers).select(at)) and len(chosen) < len(laws)
        assert str(list(laws.select(shape).substitute(a=1))) == str(list(laws.substitute(a=1).select(shape)))
    assert repr(laws).startswith("<ScalingLaws of serial(") and repr(laws).endswith(": 5 eigenvalues>")
    assert repr(laws.select((1,), (1, 1))[0]) == "<ScalingLaw of (L-1,1), (1,1): eigenvalue a**2*p/2>"


def test_selected_laws_with_a_symbol_for_the_vocabulary():
    laws = learning.scaling_law(spectrum(kernels.architecture("uniform-block", "query"), measures.iid_uniform()))
    numbers = {"a": 1, "p": 1, "a_q": 2, "p_q": "1/2"}
    everywhere = laws.substitute(L=7, V=3, **numbers)
    for law in laws:
        labels = law.level.labels
        found = laws.select(*(label.lower for label in labels)).substitute(L=7, V=3, **numbers)
        assert len(found) == 1 and list(found) == list(everywhere.select(*found[0].level.labels))


@pytest.mark.parametrize("readout", ["pool", "last"])
def test_laws_of_a_block_spectrum_are_those_of_closed_forms(readout):
    net = kernels.architecture("linear-block", readout, token_variance="1/2", position_variance=1)
    measure = measures.iid(["1/3", "2/3"])
    exact = learning.scaling_law(spectrum(net, measure, 9), "1/10", "1/3")
    found = learning.scaling_law(block_spectrum(net, measure, 9), "1/10", "1/3")
    assert len(found) == len(exact)
    for law, other in zip(exact, found):
        assert other.level.shape == law.level.shape and other.dimension == law.dimension
        pairs = [
            (getattr(law, name), getattr(other, name)) for name in ("dimension_bound", "trace_bound", "normalized")
        ]
        pairs += [(law.tightness, other.tightness), (law.trace_tightness, other.trace_tightness)]
        pairs += [(law.samples(method), other.samples(method)) for method in learning.METHODS]
        pairs.append((law.crossover_ridge(), other.crossover_ridge()))
        for left, right in pairs:
            assert isinstance(right, float) and right == pytest.approx(float(left), rel=1e-9)


def test_laws_of_a_block_spectrum_at_any_length():
    relu = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    spec = block_spectrum(relu, measures.iid_uniform(2), 120, shapes=[(120,), (119, 1), (117, 3)])
    laws = learning.scaling_law(spec)
    deep = laws.select((117, 3))
    assert 0 < deep[0].dimension_bound == pytest.approx(spec.expected_trace / deep[0].dimension, rel=1e-12)
    at = deep.substitute(delta="1/100")
    assert {law.level.shape for law in at} == {Partition((117, 3))} and len(at) == len(deep)
    slope = sympy.Poly(deep[0].samples(), delta).coeff_monomial(delta)
    assert float(slope) == pytest.approx(1 / deep[0].level.eigenvalue, rel=1e-12)
    assert at[0].samples() == pytest.approx(float(deep[0].samples().subs(delta, sympy.Rational(1, 100))), rel=1e-12)
    # shapes that were not asked for compete as ridge does
    whole = learning.scaling_law(block_spectrum(relu, measures.iid_uniform(2), 12), "1/10")
    part = learning.scaling_law(block_spectrum(relu, measures.iid_uniform(2), 12, shapes=[(12,), (11, 1)]), "1/10")
    for law in part.select((11, 1))[:1]:
        own = whole.select((11, 1))[0]
        assert (
            own.level == law.level
            and own.samples() == pytest.approx(law.samples(), rel=0.01)
            and own.samples() != law.samples()
        )


def test_errors_of_laws_of_block_spectra():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    laws = learning.scaling_law(block_spectrum(net, measures.iid_uniform(2), 5))
    with pytest.raises(FreeSymbolError, match="learnability must be a number for a block spectrum, got l"):
        learning.scaling_law(laws.spectrum, learnability="l")
    with pytest.raises(InvalidArgumentError, match=r"token_shape must be left out for a block spectrum, got \(1, 1\)"):
        laws.select((4, 1), (1, 1))
    with pytest.raises(InvalidArgumentError, match="symbol must be one of delta, got 'L'"):
        laws.substitute(L=3)
    with pytest.raises(InvalidArgumentError, match="length must be the symbol L for a leading term, got 5"):
        laws[0].leading("eigenvalue")


def test_values_for_the_goal_are_read_as_the_goal():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    blocks = learning.scaling_law(block_spectrum(net, measures.iid_uniform(2), 5))
    closed = learning.scaling_law(spectrum(net, measures.iid_uniform(2)))
    for laws in (blocks, closed):
        for wrong in (-1, 0, "L"):
            with pytest.raises(InvalidArgumentError, match="ridge must|delta must not be negative"):
                laws.substitute(delta=wrong)
    same_name = learning.scaling_law(blocks.spectrum, sympy.Symbol("q"), "1/3").substitute(q="1/3")
    assert isinstance(same_name[0].samples(), float)
    spec = spectrum(kernels.architecture("linear-block", position_variance=1), measures.iid_uniform(2))
    shared = learning.scaling_law(spec, "a", "1/2").substitute(a=2, L=9)
    assert shared.ridge == 2 and not shared[0].samples().free_symbols


def test_irreps_that_are_not_there_have_no_laws():
    laws = learning.scaling_law(spectrum(kernels.architecture("uniform-block"), measures.iid_uniform()))
    assert len(laws.select((), (1,)).substitute(V=1, L=3)) == 0
    assert len(laws.select((), (1,)).substitute(V=2, L=3)) == 1


def test_decimals_of_tables_are_the_numbers():
    """Coefficients are rounded after everything is added up, and expressions in other symbols are left exact."""
    spec = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    laws = learning.scaling_law(spec).substitute(L=20000, a="1/3", p="2/5")
    keys = [column.key for column in laws.samples_table().columns]
    for law, row, bound in zip(laws, laws.samples_table().rows, laws.table().rows):
        for method, key in (
            ("equivalent-kernel", "equivalent_kernel_shown"),
            ("self-consistent", "self_consistent_shown"),
        ):
            shown, exact = row[keys.index(key)], law.samples(method)
            for at in (0, 1, 1000):
                assert float(shown.subs(delta, at)) == pytest.approx(float(exact.subs(delta, at)), rel=2e-6)
        value = dict(zip((column.key for column in laws.table().columns), bound))["eigenvalue_shown"]
        assert value == pytest.approx(float(law.level.eigenvalue), rel=1e-12)
    with_symbol = learning.scaling_law(spec).substitute(L=20000, a="1/3", delta="1/10")
    for law, row in zip(with_symbol, with_symbol.table().rows):
        shown = dict(zip((column.key for column in with_symbol.table().columns), row))["eigenvalue_shown"]
        assert shown == law.level.eigenvalue


def test_sums_are_bracketed():
    table = learning.scaling_law(
        spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)), "b + c"
    ).samples_table()
    assert "(b + c)/EK" in table.to_text() and "(b + c)/T" in table.to_text()
    assert (
        r"\left(b + c\right) / T" in table.to_latex() and r"\left(b + c\right) / \operatorname{E}K" in table.to_latex()
    )


def test_symbols_of_the_spectrum_are_not_those_of_the_ridge():
    net = kernels.architecture("linear-block", token_variance="delta", position_variance="kappa")
    spec = spectrum(net, measures.iid_uniform(2))
    with pytest.raises(
        InvalidArgumentError, match="ridge must be given where the spectrum has the symbol delta, got none"
    ):
        learning.scaling_law(spec)
    assert learning.scaling_law(spec, "r")[0].ridge == sympy.Symbol("r", positive=True)
    with pytest.raises(
        InvalidArgumentError, match="spec must not use the name kappa, which is the effective ridge here"
    ):
        learning.symbolic_target(spec, "S")


def test_laws_tell_their_labels_and_eigenvalue():
    laws = learning.scaling_law(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)))
    for law in laws:
        assert (law.shape, law.token_shape, law.eigenvalue) == (
            law.level.shape,
            law.level.token_shape,
            law.level.eigenvalue,
        )


def test_slices_of_laws():
    laws = learning.scaling_law(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)))
    assert [law.level for law in laws[1:3]] == [laws[1].level, laws[2].level] and laws[
        1:3
    ].table().rows == laws.table().rows[1:3]
    numbers = {"L": 100, "a": 1, "p": 1}
    assert laws[2:3].substitute(**numbers)[0].level == laws.substitute(**numbers).select((100,), (1, 1))[0].level
    with pytest.raises(InvalidArgumentError, match="laws must be all laws of their irreps: substitute first"):
        laws[:1].substitute(**numbers)
    relu = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    numeric = learning.scaling_law(block_spectrum(relu, measures.iid_uniform(2), 6))
    assert len(numeric[:2]) == 2 and len(numeric.select((5, 1)).substitute(delta="1/10")) == len(numeric.select((5, 1)))
    with pytest.raises(InvalidArgumentError, match="laws must be all laws of their irreps"):
        numeric[:2].substitute(delta="1/10")


def test_numeric_laws_with_token_labels():
    relu = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    laws = learning.scaling_law(block_spectrum(relu, measures.iid_uniform(3), 5))
    labelled = laws.with_token_labels()
    assert [law.level for law in labelled] == list(laws.spectrum.token_levels) and len(labelled) < len(laws)
    for law in labelled:
        plain = min(
            (own for own in laws.select(law.level.shape)),
            key=lambda own: abs(own.level.eigenvalue - law.level.eigenvalue),
        )
        for method in ("self-consistent", "trace-bound", "dimension-bound"):
            assert float(substitute(law.samples(method), delta="1/10")) == pytest.approx(
                float(substitute(plain.samples(method), delta="1/10")), rel=1e-9
            )
    part = laws.select((4, 1)).with_token_labels()
    assert {law.level.shape for law in part} == {Partition((4, 1))}
    at = labelled.substitute(delta="1/10")
    assert [law.level for law in at] == [law.level for law in labelled]
    uneven = learning.scaling_law(block_spectrum(relu, measures.iid(["1/2", "1/4", "1/4"]), 3))
    with pytest.raises(NotInvariantError):
        uneven.with_token_labels()
