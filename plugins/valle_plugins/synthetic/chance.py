"""Chance that comes from a key alone: the same key gives the same draws, in any order, in any process."""

from __future__ import annotations

import hashlib
import random


def stream(*key: object) -> random.Random:
    """A generator at the start of the stream that belongs to `key`."""
    return random.Random("/".join(map(str, key)))  # noqa: S311 - what is drawn are words and voices, no secrets


def share(key: str) -> float:
    """A number in [0, 1) that belongs to `key`, spread evenly over keys."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
