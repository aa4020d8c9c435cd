"""The job's samplers, with what a single item says otherwise of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.errors import ItemError, JobError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.parts import Sampler
    from valle_engine.registry import Registry


class Chains:
    """A chain of samplers, and its variants: each is built once, so that rows which share it are drawn together."""

    def __init__(self, chain: tuple[Sampler, ...] | None, samplers: Registry[Sampler]) -> None:
        self.chain = chain
        self._samplers = samplers
        self._variants: dict[bytes, tuple[Sampler, ...]] = {}

    def of(self, chain: tuple[Sampler, ...] | None) -> Chains:
        """The same for another chain."""
        return Chains(chain, self._samplers)

    def varied(self, sampling: Mapping[str, Any]) -> tuple[Sampler, ...]:
        """The chain with other options: `sampling` gives them by sampler, as a job's `sampling` does.

        Raises `ItemError` for a sampler that the job does not name, and for options it does not have.
        """
        if not sampling:
            return self.chain or ()
        key = orjson.dumps(sampling, option=orjson.OPT_SORT_KEYS)
        if key not in self._variants:
            self._variants[key] = self._built(sampling)
        return self._variants[key]

    def _built(self, sampling: Mapping[str, Any]) -> tuple[Sampler, ...]:
        own = self.chain or ()
        names = [sampler.name for sampler in own]
        unknown = sorted(sampling.keys() - set(names))
        if unknown:
            known = ", ".join(names) or "none"
            raise ItemError(f"the item's `sampling` names {', '.join(unknown)}; the job's samplers are: {known}")
        return tuple(
            self._changed(sampler, sampling[sampler.name]) if sampler.name in sampling else sampler for sampler in own
        )

    def _changed(self, sampler: Sampler, options: Any) -> Sampler:
        try:
            given = self._samplers.build(sampler.name, options)
        except JobError as error:
            raise ItemError(f"the item's `sampling`: {error}") from None
        return sampler.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})
