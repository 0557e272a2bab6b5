"""The command line run in this process, with what it prints."""

from __future__ import annotations

import contextlib
import io
from typing import NamedTuple

from symrep import cli


class Finished(NamedTuple):
    """Exit status, standard output and standard error."""

    status: int
    out: str
    err: str


def run(*arguments: str) -> Finished:
    """``symrep`` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(list(arguments))
        except SystemExit as stop:
            status = stop.code
    return Finished(status, out.getvalue(), err.getvalue())
