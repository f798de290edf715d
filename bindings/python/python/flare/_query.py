"""The names and values of a query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class QueryParams(Mapping[str, str]):
    """The decoded names and values of a query (`a=1&b=2`): a mapping to the first value of each name.

    `getall` gives every value of a name, `pairs` everything in order.
    """

    __slots__ = ("_pairs", "_values")

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        """All values of a name, in order; none when it is not there."""
        return list(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, str]]:
        """All names and values, in order."""
        return list(self._pairs)

    def __repr__(self) -> str:
        return f"QueryParams({self._pairs!r})"
