"""One line that raises when a check fails."""

from __future__ import annotations

from symrep.errors import VerificationError


def verify(holds: bool, reason: str) -> None:
    """Raise VerificationError with this reason unless it holds.

    >>> verify(True, "nothing")
    """
    if not holds:
        raise VerificationError(reason)
