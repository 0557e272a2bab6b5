"""The names that scripts outside the project rely on."""

import pytest

import symrep


@pytest.mark.parametrize("name", symrep.__all__)
def test_every_public_name_can_be_imported(name):
    assert getattr(symrep, name) is not None
    assert name in dir(symrep)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="module 'symrep' has no attribute 'irrep'"):
        symrep.irrep


def test_the_documented_surface():
    documented = """Partition partitions character character_table kostka_number littlewood_richardson_coefficient
    kronecker_coefficient plethysm_coefficient specht_module seminormal orthogonal young_symmetrizer central_idempotent
    isotypic_projector fourier_transform inverse_fourier_transform stable_dimension character_polynomial kernels measures
    spectrum learning"""
    assert set(documented.split()) <= set(symrep.__all__)
