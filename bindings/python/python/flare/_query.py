"""The names and values of a query."""

from __future__ import annotations


class QueryParams(dict[str, str]):
    """The decoded names and values of a query (`a=1&b=2`): a dict of the first value of each name.

    `getall` gives every value of a name, `pairs` everything in order.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        for name, value in pairs:
            self.setdefault(name, value)

    def getall(self, name: str) -> list[str]:
        """All values of a name, in order; none when it is not there."""
        return [value for known, value in self._pairs if known == name]

    def pairs(self) -> list[tuple[str, str]]:
        """All names and values, in order."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"QueryParams({self._pairs!r})"
