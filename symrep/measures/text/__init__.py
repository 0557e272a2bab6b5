"""Text as data: windows of token ids, and how symmetric they are under permutations of the positions."""

from symrep.measures.text.components import PrincipalComponent, principal_components
from symrep.measures.text.controls import markov_windows, shuffled_corpus, shuffled_windows
from symrep.measures.text.corpus import Corpus, read_corpus
from symrep.measures.text.covariance import CovarianceSymmetry, Multiplet, covariance_symmetry
from symrep.measures.text.permutation_tests import ExchangeabilityTest, exchangeability_test
from symrep.measures.text.report import TextReport, text_report
from symrep.measures.text.resampling import Estimate
from symrep.measures.text.windows import Windows, sampled_windows, text_windows

__all__ = [
    "Corpus",
    "CovarianceSymmetry",
    "Estimate",
    "ExchangeabilityTest",
    "Multiplet",
    "PrincipalComponent",
    "TextReport",
    "Windows",
    "covariance_symmetry",
    "exchangeability_test",
    "markov_windows",
    "principal_components",
    "read_corpus",
    "sampled_windows",
    "shuffled_corpus",
    "shuffled_windows",
    "text_report",
    "text_windows",
]
