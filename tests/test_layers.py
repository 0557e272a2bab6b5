"""The rooms of symrep import only rooms to their left; heavy packages stay where they belong; modules stay short.

One door leads the other way: a function or method called ``plot`` may import ``symrep.plots`` when it is called.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symrep

PACKAGE = Path(symrep.__file__).parent
ROOMS = ("combinatorics", "representations", "kernels", "measures", "spectra", "learning")
BASES = ("errors", "display")
ONLY_IN = {
    "networkx": ("symrep.combinatorics.young_lattice",),
    "matplotlib": ("symrep.plots",),
    "click": ("symrep.cli",),
    "rich": ("symrep.cli",),
    "hypothesis": ("symrep.testing",),
    "pytest": (),
    "torch": ("symrep.learning.torch_networks",),
}
MAX_LINES = 450


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported_names(source, module, is_package=False):
    """Dotted names of everything that a module imports, wherever in it the statement stands."""
    names = set()
    tree = ast.parse(source)
    doors = set(plot_doors(tree))
    for node in ast.walk(tree):
        if node in doors:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                kept = package[: len(package) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            names.add(base)
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def plot_doors(tree):
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == "plot":
            yield from (
                node for node in function.body if isinstance(node, ast.ImportFrom) and node.module == "symrep.plots"
            )


def room_of(module):
    """The index of the room, -1 for the bases, and one beyond the rooms for everything else at the top."""
    parts = module.split(".")
    if len(parts) > 1 and parts[1] in BASES:
        return -1
    return ROOMS.index(parts[1]) if len(parts) > 1 and parts[1] in ROOMS else len(ROOMS)


def broken_room_rules(module, names):
    own = room_of(module)
    # ``from symrep import x`` names symrep.x, which is judged by itself.
    ours = [name for name in names if name.split(".")[0] == "symrep" and name != "symrep"]
    return sorted(name for name in ours if room_of(name) > own or (own == -1 and room_of(name) != -1))


def misplaced_packages(module, names):
    tops = {name.split(".")[0] for name in names}
    return sorted(
        top
        for top in tops & ONLY_IN.keys()
        if not any(module == home or module.startswith(home + ".") for home in ONLY_IN[top])
    )


def names_of(module):
    path = MODULES[module]
    return imported_names(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")


def test_the_scan_sees_the_package():
    assert {
        "symrep",
        "symrep.errors",
        "symrep.kernels",
        "symrep.kernels.network",
        "symrep.spectra.solver",
    } <= MODULES.keys()
    assert "symrep.kernels.overlaps" in names_of("symrep.kernels.network")
    assert "scipy.sparse" in names_of("symrep.representations.characters")


@pytest.mark.parametrize("module", MODULES)
def test_rooms_import_only_to_their_left(module):
    assert broken_room_rules(module, names_of(module)) == []


@pytest.mark.parametrize("module", MODULES)
def test_special_packages_stay_at_home(module):
    assert misplaced_packages(module, names_of(module)) == []


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_short(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    ("module", "source", "broken"),
    [
        ("symrep.combinatorics.partitions", "from symrep.representations import characters", True),
        ("symrep.kernels.network", "def f():\n    from symrep.spectra.solver import spectrum", True),
        ("symrep.kernels.network", "from ..measures import iid", True),
        ("symrep.kernels.network", "from . import layers", False),
        ("symrep.measures.text", "import symrep.learning.curves as c", True),
        ("symrep.measures.text", "from symrep import learning", True),
        ("symrep.measures.text", "from symrep import kernels", False),
        ("symrep.learning.curves", "from symrep import tables", True),
        ("symrep.learning.curves", "def plot():\n    from symrep.plots import learning_curve_plot", False),
        ("symrep.learning.curves", "def show():\n    from symrep.plots import learning_curve_plot", True),
        ("symrep.learning.curves", "from symrep.plots import learning_curve_plot", True),
        ("symrep.errors", "from symrep.combinatorics.partitions import Partition", True),
        ("symrep.display", "from symrep.errors import require", False),
        ("symrep.spectra.dense", "from symrep.display import Table", False),
        ("symrep.cli", "from symrep.learning import curves", False),
        ("symrep.testing.checks", "from symrep.spectra.spectrum import Spectrum", False),
    ],
)
def test_the_room_rule_itself(module, source, broken):
    assert bool(broken_room_rules(module, imported_names(source, module))) == broken


@pytest.mark.parametrize(
    ("module", "source", "misplaced"),
    [
        ("symrep.combinatorics.tableaux", "import networkx as nx", ["networkx"]),
        ("symrep.combinatorics.young_lattice", "import networkx as nx", []),
        ("symrep.spectra.dense", "def plot():\n    import matplotlib.pyplot as plt", ["matplotlib"]),
        ("symrep.tables", "from rich.table import Table\nimport click", ["click", "rich"]),
        ("symrep.cli.main", "import click", []),
        ("symrep.climate", "import click", ["click"]),
        ("symrep.verification", "from hypothesis import given", ["hypothesis"]),
        ("symrep.testing.strategies", "from hypothesis import given", []),
    ],
)
def test_the_home_rule_itself(module, source, misplaced):
    assert misplaced_packages(module, imported_names(source, module)) == misplaced


def modules_loaded_by(statement):
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_symrep_is_light():
    loaded = modules_loaded_by("import symrep")
    assert "symrep" in loaded
    assert loaded.isdisjoint(
        {"numpy", "scipy", "sympy", "networkx", "click", "rich", "matplotlib", "hypothesis", "flint", "torch"}
    )


def test_checks_do_not_load_hypothesis():
    loaded = modules_loaded_by("from symrep import testing; testing.check_kernel")
    assert "symrep.testing.checks" in loaded
    assert loaded.isdisjoint({"hypothesis", "pytest", "networkx", "matplotlib", "click"})
