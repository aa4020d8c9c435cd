"""valle-engine: a batch engine for speech. Importing it loads neither torch nor ray."""

from typing import TYPE_CHECKING, Any

from valle_engine.errors import ItemError, RetryableError, ValleError
from valle_engine.hookspecs import API_VERSION, hookimpl
from valle_engine.parts import (
    BaseItem,
    Codec,
    Model,
    Normaliser,
    Product,
    Row,
    Sampler,
    Scorer,
    Source,
    Take,
    Task,
    Transcriber,
)
from valle_engine.records import Clip, Outcome, Result

__version__ = "0.1.0"

if TYPE_CHECKING:
    from valle_engine.api import load

__all__ = [
    "API_VERSION",
    "BaseItem",
    "Clip",
    "Codec",
    "ItemError",
    "Model",
    "Normaliser",
    "Outcome",
    "Product",
    "Result",
    "RetryableError",
    "Row",
    "Sampler",
    "Scorer",
    "Source",
    "Take",
    "Task",
    "Transcriber",
    "ValleError",
    "__version__",
    "hookimpl",
    "load",
]


def __getattr__(name: str) -> Any:
    """`load` comes with the engine behind it, so it is fetched when it is asked for."""
    if name == "load":
        from valle_engine.api import load  # noqa: PLC0415 - as above

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
