"""Cookies of a request (RFC 6265, 4.2)."""

from __future__ import annotations


def parse(fields: list[str]) -> dict[str, str]:
    """Names and values; of a name that comes twice the first counts, which the client sends for the closest path."""
    cookies: dict[str, str] = {}
    for field in fields:
        for pair in field.split(";"):
            name, equals, value = pair.partition("=")
            name = name.strip()
            if not equals or not name:
                continue
            value = value.strip()
            if len(value) >= 2 and value[0] == value[-1] == '"':
                value = value[1:-1]
            cookies.setdefault(name, value)
    return cookies
