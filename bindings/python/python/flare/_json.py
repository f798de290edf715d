"""JSON as RFC 8259 has it: UTF-8, no NaN. In its shortest form."""

from __future__ import annotations

from json import JSONDecoder, JSONEncoder
from typing import NoReturn


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")


decode = JSONDecoder(parse_constant=_refuse).decode
encode = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
