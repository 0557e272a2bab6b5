"""From eigenvalues to learning: bounds, samples needed and scaling laws in the context length."""

from symrep.learning.scaling import METHODS, ScalingLaw, ScalingLaws, samples_needed, scaling_law

__all__ = ["METHODS", "ScalingLaw", "ScalingLaws", "samples_needed", "scaling_law"]
