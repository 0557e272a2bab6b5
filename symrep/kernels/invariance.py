"""Which symmetry a kernel on sequences has, read off from the layers of its network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PositionUse:
    """How kernels between positions use the indicator d = [s = t] of equal positions.

    ``identity``: d occurs; ``mixed``: it multiplies the token indicator; ``matches``: a number depends on the matches m
    of both sequences and not on their token counts alone.
    """

    identity: bool = False
    mixed: bool = False
    matches: bool = False

    def __or__(self, other: PositionUse) -> PositionUse:
        return PositionUse(self.identity or other.identity, self.mixed or other.mixed, self.matches or other.matches)


@dataclass(frozen=True)
class Invariance:
    r"""The symmetry group of a kernel K(x, y): the layers guarantee it, and special parameters may enlarge it.

    Attributes
    ----------
    positions
        ``"S_L"``, all permutations of the positions; ``"S_(L-1)"``, those that leave the last one in place; ``"none"``.
    independent
        Whether x and y may be permuted independently, as in :math:`S_L \times S_L` for a pooled network without positions.
    tokens
        Whether the tokens may be renamed in both sequences (S_V).
    reason
        What breaks the symmetry of the positions or of the tokens; empty if nothing does.
    """

    positions: str
    independent: bool
    tokens: bool
    reason: str = ""

    def __str__(self) -> str:
        group = f"{self.positions} x {self.positions}" if self.independent else self.positions
        names = [group] if self.positions != "none" else []
        names += ["S_V"] if self.tokens else []
        shown = " and ".join(names) or "none"
        return f"{shown} ({self.reason})" if self.reason else shown
