"""Parts of one kind by name, and the checking of their options."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from pydantic import BaseModel, RootModel, ValidationError

from valle_engine.errors import JobError, PluginError, Problem
from valle_engine.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Offer(Generic[P]):
    """A part and the distribution (name and version) that offers it."""

    part: type[P]
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Registry(Generic[P]):
    """The parts of one kind that the installed plugins offer.

    `clashes` maps a name offered more than once to its packages; `broken` names the plugins that did not load, because
    one of them may be what a job misses.
    """

    kind: str
    offers: Mapping[str, Offer[P]]
    clashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @classmethod
    def collect(cls, kind: str, offers: Iterable[Offer[P]], broken: tuple[str, ...] = ()) -> Registry[P]:
        """Sort offers by name; two packages with one name are a clash, told when that name is asked for."""
        found: dict[str, list[Offer[P]]] = {}
        for offer in offers:
            found.setdefault(offer.part.name, []).append(offer)
        single = {name: same[0] for name, same in found.items() if len({offer.part for offer in same}) == 1}
        clashes = {
            name: tuple(sorted(offer.package for offer in same)) for name, same in found.items() if name not in single
        }
        return cls(kind, single, clashes, broken)

    def names(self) -> list[str]:
        """Every name that can be built, sorted."""
        return sorted(self.offers)

    def offer(self, name: str) -> Offer[P]:
        """The offer behind a name. Raises `JobError` for an unknown name, `PluginError` for a clash."""
        if name in self.clashes:
            packages = " and ".join(self.clashes[name])
            raise PluginError(f"{self.kind} {name!r} is offered by {packages}; leave one out with VALLE_PLUGINS")
        if name not in self.offers:
            raise JobError([Problem(f"no {self.kind} {name!r}", hint=self._way_out(name))])
        return self.offers[name]

    def build(self, name: str, options: Any = None) -> P:
        """Make a part from its options: a mapping, nothing, or one value for its first field.

        Raises `JobError` with a problem per wrong option, its `path` relative to the part.
        """
        part = self.offer(name).part
        values = self._as_mapping(part, options)
        try:
            return part.model_validate(values)
        except ValidationError as error:
            raise JobError(problems_of(error, part, f"{self.kind} {name!r}")) from None

    def _as_mapping(self, part: type[P], options: Any) -> Mapping[str, Any]:
        if options is None:
            return {}
        if isinstance(options, dict):
            return options
        first = next(iter(part.model_fields), None)
        if first is None:
            raise JobError([Problem(f"{self.kind} {part.name!r} takes no options, got {options!r}")])
        return {first: options}

    def _way_out(self, name: str) -> str:
        near = nearest(name, self.offers)
        known = f"did you mean {near!r}?" if near else f"installed: {', '.join(self.names()) or 'none'}"
        if not self.broken:
            return known
        return f"{known} Broken plugins may offer it, see `valle plugins`: {', '.join(self.broken)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like a misspelt one, if any is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def problems_of(error: ValidationError, model: type[BaseModel], thing: str) -> list[Problem]:
    """Turn pydantic's errors into problems that name the nearest known option."""
    return [_problem(details, model, thing) for details in error.errors(include_url=False)]


def _problem(details: Any, model: type[BaseModel], thing: str) -> Problem:
    path = ".".join(str(step) for step in details["loc"])
    if details["type"] == "missing":
        return Problem(f"{thing} lacks {path!r}, which it needs", path=path)
    if details["type"] != "extra_forbidden":
        return Problem(f"{thing}: {details['msg']}", path=path, hint=f"got {_short(details['input'])}")
    owner = _model_at(model, details["loc"][:-1])
    option = str(details["loc"][-1])
    known = sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []
    near = nearest(option, known)
    hint = f"did you mean {near!r}?" if near else f"it has: {', '.join(known) or 'none'}"
    return Problem(f"{thing} has no option {option!r}", path=path, hint=hint)


def _model_at(model: type[BaseModel], steps: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that a path leads to, also through lists and mappings of models."""
    at: Any = model
    for step in steps:
        if isinstance(at, type) and issubclass(at, RootModel):
            at = at.model_fields["root"].annotation
        if _is_model(at):
            found = at.model_fields.get(str(step))
            at = found.annotation if found else None
        else:
            at = next((inner for inner in get_args(at) if _is_model(inner)), None)
    return at if _is_model(at) else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
