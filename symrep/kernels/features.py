"""What is known of the features between two layers, besides their covariance: the rules of some layers depend on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Features:
    """Whether the features of an infinitely wide network are Gaussian at this place, and whether their mean is zero.

    ``source`` is the layer that made them otherwise. Weights make features Gaussian and centred; a dual activation is that
    of Gaussian features, and the kernel of a sum is the sum of kernels where one of the two has mean zero.
    """

    gaussian: bool = True
    centred: bool = True
    source: str = ""
