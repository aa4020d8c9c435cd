"""An example as bytes: how a worker keeps it until it goes into a shard, with the codec whose codes it holds."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import numpy as np
import orjson

from valle_engine.errors import StoreError
from valle_engine.training.examples import CodecFacts, Example

ARRAYS = ("codes", "noise", "noisy")
PLAIN = tuple(field.name for field in fields(Example) if field.name not in ARRAYS)
CODE = np.dtype("<u2")


def to_bytes(example: Example, codec: CodecFacts) -> bytes:
    """A line of JSON with the plain fields, the codec and the arrays' shapes; then the arrays, little-endian."""
    arrays = {name: array for name in ARRAYS if (array := getattr(example, name)) is not None}
    head: dict[str, Any] = {name: getattr(example, name) for name in PLAIN}
    head["codec"] = asdict(codec)
    head["shapes"] = {name: array.shape for name, array in arrays.items()}
    body = (np.ascontiguousarray(array, CODE).tobytes() for array in arrays.values())
    return b"".join([orjson.dumps(head), b"\n", *body])


def from_bytes(data: bytes) -> tuple[Example, CodecFacts]:
    """The example of `to_bytes` and its codec. Raises `StoreError` for bytes that are none."""
    line, _, body = data.partition(b"\n")
    try:
        head = orjson.loads(line)
        shapes, codec = head.pop("shapes"), CodecFacts(**head.pop("codec"))
        arrays: dict[str, Any] = {}
        start = 0
        for name, (frames, codebooks) in shapes.items():
            arrays[name] = np.frombuffer(body, CODE, frames * codebooks, start).reshape(frames, codebooks)
            start += arrays[name].nbytes
        return Example(**head, **arrays), codec
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{data[:40]!r}... is no example as a worker keeps it: {error}") from error
