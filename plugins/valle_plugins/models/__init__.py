"""The released models the engine knows by name, offered through the public hook."""

from valle_engine import Model, hookimpl
from valle_plugins.models.vall_e import VallE


@hookimpl
def models() -> list[type[Model]]:
    """Offer them."""
    return [VallE]
