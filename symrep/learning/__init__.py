"""From eigenvalues to learning: targets, learning curves, outputs, samples needed, bounds and scaling laws in the context length."""

from symrep.learning.curves import LearningCurve, learning_curve, optimal_ridge
from symrep.learning.dataset_bounds import overlap_bound
from symrep.learning.decomposition import TargetModes, decompose, decompose_target
from symrep.learning.kappa import THEORIES, effective_modes, effective_ridge, kappa_polynomial, learnabilities
from symrep.learning.langevin import LangevinResult, train_langevin
from symrep.learning.modes import Modes, as_modes
from symrep.learning.normalization import normalized_spectrum
from symrep.learning.outputs import PredictedOutput, out_of_distribution_error, predicted_output
from symrep.learning.samples import samples_to_learn
from symrep.learning.scaling import METHODS, ScalingLaw, ScalingLaws, samples_needed, scaling_law
from symrep.learning.simulation import Simulation, simulate
from symrep.learning.symbolic_targets import SymbolicTarget, symbolic_target
from symrep.learning.targets import Target, copy_token, majority, next_token, same_token, target, token_at, token_count
from symrep.learning.torch_networks import MissingTorchError

__all__ = [
    "METHODS",
    "THEORIES",
    "LangevinResult",
    "LearningCurve",
    "MissingTorchError",
    "Modes",
    "PredictedOutput",
    "ScalingLaw",
    "ScalingLaws",
    "Simulation",
    "SymbolicTarget",
    "Target",
    "TargetModes",
    "as_modes",
    "copy_token",
    "decompose",
    "decompose_target",
    "effective_modes",
    "effective_ridge",
    "kappa_polynomial",
    "learnabilities",
    "learning_curve",
    "majority",
    "next_token",
    "normalized_spectrum",
    "optimal_ridge",
    "out_of_distribution_error",
    "overlap_bound",
    "predicted_output",
    "same_token",
    "samples_needed",
    "samples_to_learn",
    "scaling_law",
    "simulate",
    "symbolic_target",
    "target",
    "token_at",
    "token_count",
    "train_langevin",
]
