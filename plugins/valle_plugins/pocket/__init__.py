"""Pocket: the small model that comes with the engine, trained on synthetic speech alone."""

from valle_engine import Model, hookimpl
from valle_plugins.pocket.model import Pocket


@hookimpl
def models() -> list[type[Model]]:
    """Offer it."""
    return [Pocket]
