"""The numeric mode of the codecs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

# The flags are the process's, so a second thread must not restore them under the first.
_LOCK = threading.RLock()


@contextmanager
def exact() -> Iterator[None]:
    """No gradients, float32 as float32 (no TF32), and the same algorithm for the same shape, every time."""
    products = torch.backends.cuda.matmul
    convolutions = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with _LOCK:
        before = products.allow_tf32
        products.allow_tf32 = False
        try:
            with torch.inference_mode(), convolutions:
                yield
        finally:
            products.allow_tf32 = before
