"""valle-engine: a batch engine for speech. Importing it loads neither torch nor ray."""

from valle_engine.errors import ItemError, RetryableError, ValleError
from valle_engine.hookspecs import API_VERSION, hookimpl
from valle_engine.parts import BaseItem, Codec, Product, Row, Sampler, Scorer, Source, Take, Task
from valle_engine.records import Clip, Outcome, Result

__version__ = "0.1.0"

__all__ = [
    "API_VERSION",
    "BaseItem",
    "Clip",
    "Codec",
    "ItemError",
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
    "ValleError",
    "__version__",
    "hookimpl",
]
