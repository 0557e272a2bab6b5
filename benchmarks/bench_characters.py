"""Time and memory of the characters of S_n: whole tables, streamed tables and single values, beside other systems.

    python benchmarks/bench_characters.py [tables|streams|values ...] [--degrees n,n,...] [--symfn PYTHON]

Everything is measured unless parts are named. GAP is asked only when ``gap`` is on the PATH, symfn only when the Python
named by ``--symfn`` (this one by default) can import it, sympy only for n <= 6; a sympy without character tables is
timed on the conjugacy classes that it would start from. A ratio says how many times longer the other system takes. Memory of
streams is the peak of a process of its own, interpreter and libraries (about 0.1 GB) included.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from random import Random
from time import perf_counter

from rich.console import Console
from rich.table import Table
from sympy.combinatorics import SymmetricGroup

from symrep.combinatorics.partitions import Partition, number_of_partitions
from symrep.representations.character_values import character

# character_table keeps small tables: the undecorated maker is what costs.
from symrep.representations.characters import _make_table

PARTS = ("tables", "streams", "values")
TABLE_DEGREES = (6, 10, 15, 20, 25, 30)
STREAM_DEGREES = (30, 36)
LARGEST_FOR_SYMPY = 6
LARGEST_FOR_GAP_VALUES = 60  # GAP repeats shared work: it does not finish at 100
TIMEOUT_SECONDS = 20
GAP_TABLE = """
t := NanosecondsSinceEpoch();;
values := List(Irr(CharacterTable("Symmetric", {n})), ValuesOfClassFunction);;
Print(NanosecondsSinceEpoch() - t, "\\n");
QUIT;
"""
GAP_VALUE = """
t := NanosecondsSinceEpoch();;
value := CharValueSymmetric({n}, BetaSet({shape}), {cycle_type});;
Print(value, " ", NanosecondsSinceEpoch() - t, "\\n");
QUIT;
"""
SYMFN_VALUE = """
import symfn
from time import perf_counter
symfn.character_value([2, 1], [3])
start = perf_counter()
value = symfn.character_value({shape}, {cycle_type})
print(value, int((perf_counter() - start) * 1e9))
"""
SYMFN_TABLE = """
import symfn
from time import perf_counter
start = perf_counter()
symfn.character_table({n})
print(int((perf_counter() - start) * 1e9))
"""
STREAM = """
import json
import resource
from time import perf_counter
from symrep.representations.character_streams import {function}
start, count, checksum = perf_counter(), 0, 0
for label, values in {function}({n}):
    count, checksum = count + 1, (checksum * 31 + int(values[count // 2])) % (2**61 - 1)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([perf_counter() - start, peak, count, checksum]))
"""
SHAPE_OF_100 = (20, 16, 13, 11, 9, 8, 7, 5, 4, 3, 2, 1, 1)
CYCLE_TYPES_OF_100 = {
    "5^20": (5,) * 20,
    "2^50": (2,) * 50,
    "1^100": (1,) * 100,
    "2^48 1^4": (2,) * 48 + (1,) * 4,
    "30 mixed": (9, 8, 7, 7, 6, 6, 5, 5, 4, 4, 4, 3, 3, 3, 3, *[2] * 8, *[1] * 7),
    "32 mixed": (13, 11, 9, 8, 7, 6, 5, 4, 4, 3, 3, 3, *[2] * 4, *[1] * 16),
    "3^20 2^20": (3,) * 20 + (2,) * 20,
    "2^20 1^60": (2,) * 20 + (1,) * 60,
    "4^10 3^10 2^10 1^10": (4,) * 10 + (3,) * 10 + (2,) * 10 + (1,) * 10,
    "3^10 2^20 1^30": (3,) * 10 + (2,) * 20 + (1,) * 30,
}


def best_time(action: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def last_words(command: list[str], source: str, wanted: int) -> list[str] | None:
    """The last words that another program prints, None when it fails, is not there or takes too long."""
    try:
        answer = subprocess.run(command, input=source, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.split()[-wanted:]
    return words if answer.returncode == 0 and len(words) == wanted else None


def ask_gap(source: str, wanted: int) -> list[str] | None:
    gap = shutil.which("gap")
    return None if gap is None else last_words([gap, "-q", "-b", "-o", "12g"], source, wanted)


def seconds_of(words: list[str] | None) -> float | None:
    return int(words[-1]) / 1e9 if words and words[-1].isdigit() else None


def sympy_time(n: int) -> float | None:
    if n > LARGEST_FOR_SYMPY:
        return None
    try:
        from sympy.combinatorics import CharacterTable
    except ImportError:
        return best_time(lambda: SymmetricGroup(n).conjugacy_classes(), repeats=1)
    return best_time(lambda: CharacterTable.from_perm_group(SymmetricGroup(n)), repeats=1)


def shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.5f}" if seconds < 0.1 else f"{seconds:.2f}"


def ratio(other: float | None, own: float) -> str:
    return "-" if other is None else f"{other / own:.1f}"


def table_time_and_memory(n: int) -> tuple[float, int, int]:
    """Seconds, peak bytes (traced in a run of its own) and bytes of the result."""
    seconds = best_time(lambda: _make_table(n), repeats=5 if n <= 20 else 3)
    tracemalloc.start()
    size = _make_table(n).to_numpy().nbytes
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, peak, size


def tables(degrees: tuple[int, ...], symfn: str) -> Table:
    memory = ("peak MB", "result MB", "peak/result")
    table = Table(
        "n", "classes", "seconds", *memory, "GAP ratio", "symfn ratio", "sympy ratio", title="Character table of S_n"
    )
    for n in degrees:
        seconds, peak, size = table_time_and_memory(n)
        gap = seconds_of(ask_gap(GAP_TABLE.format(n=n), 1))
        other = seconds_of(last_words([symfn], SYMFN_TABLE.format(n=n), 1))
        memory = (f"{peak / 1e6:.2f}", f"{size / 1e6:.2f}", f"{peak / size:.2f}")
        ratios = (ratio(gap, seconds), ratio(other, seconds), ratio(sympy_time(n), seconds))
        table.add_row(str(n), str(number_of_partitions(n)), f"{seconds:.4f}", *memory, *ratios)
    return table


def streams(degrees: tuple[int, ...]) -> Table:
    headings = ("n", "classes", "by", "seconds", "peak GB", "whole table GB", "checksum")
    table = Table(*headings, title="Streamed character table of S_n")
    for n in degrees:
        for function in ("stream_columns", "stream_rows"):
            source = STREAM.format(function=function, n=n)
            answer = subprocess.run([sys.executable, "-"], input=source, capture_output=True, text=True, check=True)
            seconds, peak, count, checksum = json.loads(answer.stdout)
            whole = 8 * number_of_partitions(n) ** 2 / 1e9
            memory = (f"{peak / 1e9:.2f}", f"{whole:.2f}")
            table.add_row(str(n), str(count), function.split("_")[1], f"{seconds:.1f}", *memory, str(checksum))
    return table


def random_partition(random: Random, n: int, largest: int) -> tuple[int, ...]:
    parts: list[int] = []
    while (rest := n - sum(parts)) > 0:
        parts.append(random.randint(1, min(rest, largest)))
    return tuple(sorted(parts, reverse=True))


def values(symfn: str) -> Table:
    headings = ("n", "cycle type", "cycles", "value", "seconds", "symfn s", "symfn ratio", "GAP s", "GAP ratio")
    table = Table(*headings, title="Single values (all systems agree wherever they answer)")
    random = Random(1)
    cases = [(SHAPE_OF_100, name, cycle_type) for name, cycle_type in CYCLE_TYPES_OF_100.items()]
    for n in (30, 60, 150):
        cases.append((random_partition(random, n, n // 4), "random", random_partition(random, n, n // 5)))
    for shape, name, cycle_type in cases:
        n = sum(shape)
        labels = {"n": n, "shape": list(shape), "cycle_type": list(cycle_type)}
        value = character(shape, cycle_type)
        seconds = best_time(lambda: character(Partition(shape), cycle_type), repeats=5)
        gap = ask_gap(GAP_VALUE.format(**labels), 2) if n <= LARGEST_FOR_GAP_VALUES else None
        answers = last_words([symfn], SYMFN_VALUE.format(**labels), 2), gap
        for answer in answers:
            if answer is not None and answer[0] != str(value):
                raise SystemExit(f"{shape} at {cycle_type}: {value} here, {answer[0]} there")
        short = str(value) if abs(value) < 10**15 else f"{value:.3e}"
        times = map(seconds_of, answers)
        others = [cell for time in times for cell in (shown(time), ratio(time, seconds))]
        table.add_row(str(n), name, str(len(cycle_type)), short, shown(seconds), *others)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--degrees", help="degrees of the tables and of the streams, separated by commas")
    parser.add_argument("--symfn", default=sys.executable, metavar="PYTHON", help="a Python that can import symfn")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown parts {', '.join(sorted(unknown))}")
    degrees = tuple(map(int, arguments.degrees.split(","))) if arguments.degrees else None
    console = Console(width=130)
    chosen = arguments.parts or PARTS
    if "tables" in chosen:
        console.print(tables(degrees or TABLE_DEGREES, arguments.symfn))
    if "streams" in chosen:
        console.print(streams(degrees or STREAM_DEGREES))
    if "values" in chosen:
        console.print(values(arguments.symfn))


if __name__ == "__main__":
    main()
