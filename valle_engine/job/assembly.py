"""Build the parts that a job file names; every mistake is a finding, and what could not be built is left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from valle_engine.errors import JobError, PluginError
from valle_engine.job.fingerprints import FileDigests
from valle_engine.job.inline import Inline
from valle_engine.job.items import Manifest
from valle_engine.job.model import JobModel, anchored, locate
from valle_engine.job.paths import Base, path_fields, path_list_fields
from valle_engine.job.presets import Presets
from valle_engine.job.schema import Bound, Reading
from valle_engine.job.scoring import Scoring, Verbatim
from valle_engine.job.voices import Voices
from valle_engine.model.names import unfit
from valle_engine.modelspec import ModelSpec
from valle_engine.parts import Codec, Part, Product, Sampler, Scorer, Source, Task, check_chain
from valle_engine.registry import Registry, nearest, problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valle_engine.job.findings import Findings
    from valle_engine.job.items import Shard
    from valle_engine.job.yaml import KeyPath
    from valle_engine.plugins import Plugins

P = TypeVar("P", bound=Part)
M = TypeVar("M", bound=BaseModel)

OWN_SECTIONS = frozenset({"task", "codec", "sampling", "items", "scores", "accept", "defaults"})
"""Sections whose form is checked here, because the installed parts say what they may hold."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """One job file being put together. `values` is what it says; `origins` gathers the package of each part."""

    values: Mapping[str, Any]
    findings: Findings
    plugins: Plugins
    folder: Path
    origins: dict[str, str] = field(default_factory=dict)

    @property
    def presets(self) -> Presets:
        """What the job leaves to its model."""
        return Presets.of(self.values, self.plugins)

    def task(self) -> Task | None:
        """The task, with the options that its model has for it."""
        if "task" not in self.values:
            return None
        return self._named(self.plugins.tasks, self.presets.task(), ("task",))

    def model(self) -> JobModel | None:
        """The model and its codec, looked at but not loaded; the form of the section is checked with the whole file."""
        try:
            spec = ModelSpec.model_validate(self.presets.named)
        except ValidationError:
            return None
        located = locate(spec, self.folder, FileDigests(), self.plugins.models)
        place: KeyPath = ("model",) if "model" in self.values else ("task",)
        self.findings.add_part(place, located.problems)
        options, codec = self._codec(located.codec, (*place, "codec"))
        if codec is None or located.found is None:
            return None
        if wrong := unfit(codec, located.found.part, located.config, self.plugins.codecs):
            self.findings.add((*place, "codec"), wrong)
        spec = located.spec.model_copy(update={"codec": options})
        return JobModel(spec, codec, located.config, located.found.weights)

    def codec(self, task: Task | None) -> Codec | None:
        """The codec of a task that needs one and no model."""
        given = self.values.get("codec")
        if task is not None and task.needs_codec and given is None:
            self.findings.add(("task",), f"task {task.name!r} needs a codec", "add `codec: ...`")
        if task is not None and not task.needs_codec and given is not None:
            message = f"task {task.name!r} takes no codec beside the model's"
            self.findings.add(("codec",), message, "say `model: {name: ..., codec: ...}`, or leave it out")
        return None if given is None else self._codec(given, ("codec",))[1]

    def _codec(self, given: Any, path: KeyPath) -> tuple[dict[str, Any], Codec | None]:
        """A codec's options with absolute paths, and the codec."""
        options, missing = anchored(given if isinstance(given, dict) else {"name": given}, self.folder)
        for message in missing:
            self.findings.add(path, message)
        return options, self._named(self.plugins.codecs, options, path)

    def check_fit(self, task: Task | None, samplers: Sequence[Sampler], model: JobModel | None) -> None:
        """Note what of the samplers and the model does not go with the task."""
        if task is not None:
            for message in task.check_job(samplers, model.config if model else None):
                self.findings.add(("task",), message)

    def samplers(self) -> tuple[Sampler, ...]:
        """The chain of samplers in the order of the file."""
        sampling = self._section("sampling", dict, "a mapping of samplers, such as {temperature: 0.9, top-p: 0.95}")
        registry = self.plugins.samplers
        chain = sampling or self.presets.sampling()
        built = [self._built(registry, name, options, ("sampling", name)) for name, options in chain.items()]
        samplers = tuple(sampler for sampler in built if sampler is not None)
        for message in check_chain(samplers):
            self.findings.add(("sampling",), message)
        return samplers

    def scorers(self) -> tuple[Scorer, ...]:
        """The scorers in the order of the file."""
        scores = self._section("scores", list, "a list of scorers, such as [wer]")
        return self._weighted(self.plugins.scorers, scores, ("scores",))

    def scoring(self, scorers: tuple[Scorer, ...]) -> Scoring:
        """Scorers with what they hear through; the form of the section is checked with the whole file."""
        section = self.values.get("scoring")
        given = section if isinstance(section, dict) else {}
        listed = given.get("transcribers")
        named = listed if isinstance(listed, list) else []
        transcribers = self._weighted(self.plugins.transcribers, named, ("scoring", "transcribers"))
        if not given and not scorers:
            # A job that scores nothing needs no rules, and no plugin that has them.
            return Scoring((), (), Verbatim())
        normaliser = given.get("normaliser", "basic")
        built = self._named(self.plugins.normalisers, normaliser, ("scoring", "normaliser"))
        # With a mistake in it there is no job, yet its items are checked all the same.
        scoring = Scoring(scorers, transcribers, built or Verbatim())
        if len(transcribers) == len(named):
            for where, message, hint in scoring.problems(self.plugins.transcribers.names()):
                self.findings.add((where,), message, hint)
        return scoring

    def _weighted(self, registry: Registry[P], specs: list[Any], path: KeyPath) -> tuple[P, ...]:
        """Parts that may have weights: local ones start at the job's folder."""
        found = []
        for place, spec in enumerate(specs):
            options, missing = anchored(spec, self.folder) if isinstance(spec, dict) else (spec, [])
            found.append(options)
            for message in missing:
                self.findings.add((*path, place), message)
        return self._listed(registry, found, path, once=True)

    def check_gate(self) -> None:
        """Note what is wrong with `accept`; a scorer that is listed with a mistake still counts as listed."""
        accept = self._section("accept", dict, "a mapping of scores to bounds, such as {wer: {max: 0.1}}")
        scores = self.values.get("scores")
        listed = scores if isinstance(scores, list) else []
        names = [str(spec.get("name") if isinstance(spec, dict) else spec) for spec in listed]
        for name, values in accept.items():
            # What a scorer tells beside its figure is called `scorer.detail`.
            if name not in names and name.partition(".")[0] not in names:
                near = nearest(name, [each for each in names if each in self.plugins.scorers.offers])
                way_out = f"did you mean {near!r}?" if near else f"add {name!r} to `scores`"
                self.findings.add(("accept", name), f"no score {name!r} is computed", way_out)
            bound = self._valid(Bound, values, ("accept", name), "bound")
            if bound is not None:
                self._check_bound(bound, ("accept", name))

    def products(self) -> tuple[Product, ...]:
        """The products; their list's form is checked with the rest of `output`."""
        output = self.values.get("output")
        products = output.get("products") if isinstance(output, dict) else None
        return self._listed(
            self.plugins.products, products if isinstance(products, list) else [], ("output", "products")
        )

    def manifest(self, task: Task | None, scoring: Scoring, limit: int | None, shard: Shard | None) -> Manifest | None:
        """The items, unread; None when they could not be read to any use."""
        if "items" not in self.values:
            return None
        before = len(self.findings.problems)
        needs = scoring.needs()
        voices = Voices.of(self.presets.model)
        defaults = self._defaults(task, needs, voices) if task else {}
        source, reading = self._source(self.values["items"])
        if task is None or source is None or reading is None:
            return None
        base = self._row_base(reading)
        if len(self.findings.problems) > before:
            return None
        given = self.values.get("repeats", 1)
        repeats = given if isinstance(given, int) and given > 0 else 1
        files = scoring.files()
        return Manifest(source, task.Item, base, reading, defaults, needs, limit, shard, voices, repeats, files)

    def _source(self, items: Any) -> tuple[Source | None, Reading | None]:
        packed = self.findings.document.items
        if packed is not None:
            return Inline(file=self.findings.file, items=packed), Reading()
        if not isinstance(items, dict) or not isinstance(items.get("kind"), str):
            known = ", ".join(self.plugins.sources.names())
            message = "items are a list, or a source such as {kind: jsonl, path: lines.jsonl}"
            self.findings.add(("items",), message, f"installed sources: {known or 'none'}")
            return None, None
        options = {key: value for key, value in items.items() if key != "kind"}
        shared = {key: options.pop(key) for key in Reading.model_fields if key in options}
        reading = self._valid(Reading, shared, ("items",), "items")
        self._drop_unknown(items["kind"], options)
        return self._built(self.plugins.sources, items["kind"], options, ("items",)), reading

    def _drop_unknown(self, kind: str, options: dict[str, Any]) -> None:
        """Note the options that neither the source nor every source has: the registry knows of the first only."""
        offer = self.plugins.sources.offers.get(kind)
        if offer is None:
            return
        known = [*offer.part.model_fields, *Reading.model_fields]
        for option in [option for option in options if option not in known]:
            del options[option]
            near = nearest(option, known)
            hint = f"did you mean {near!r}?" if near else f"it has: {', '.join(known)}"
            self.findings.add(("items", option), f"source {kind!r} has no option {option!r}", hint)

    def _row_base(self, reading: Reading) -> Base:
        if reading.root is None:
            return Base(self.folder)
        root = Path(self.folder, reading.root)
        if not root.is_dir():
            self.findings.add(("items", "root"), f"no such folder: {root}")
        return Base(root, confined=True)

    def _defaults(self, task: Task, needs: Mapping[str, str], voices: Voices) -> dict[str, Any]:
        """The defaults with absolute paths."""
        defaults = dict(self._section("defaults", dict, "a mapping of fields, such as {language: en}"))
        known = [name for name in [*task.Item.model_fields, *needs] if name != "id"]
        for name in [name for name in defaults if name not in known]:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"they have: {', '.join(known) or 'nothing but an id'}"
            self.findings.add(("defaults", name), f"items of task {task.name!r} have no default {name!r}", hint)
        for name in path_fields(task.Item) & defaults.keys():
            if isinstance(defaults[name], str):
                defaults[name], problem = voices.locate(name, defaults[name], Base(self.folder))
                if problem:
                    self.findings.add(("defaults", name), problem)
        try:
            task.Item.model_validate(defaults)
        except ValidationError as error:
            wrong = [problem for problem in problems_of(error, task.Item, "default") if problem.path in defaults]
            self.findings.add_part(("defaults",), wrong)
        return {**voices.complete(task.Item), **defaults}

    def _listed(self, registry: Registry[P], specs: list[Any], path: KeyPath, *, once: bool = False) -> tuple[P, ...]:
        built = [self._named(registry, spec, (*path, place)) for place, spec in enumerate(specs)]
        parts = tuple(part for part in built if part is not None)
        for name, times in Counter(part.name for part in parts).items():
            if once and times > 1:
                self.findings.add(path, f"{registry.kind} {name!r} is listed {times} times")
        return parts

    def _named(self, registry: Registry[P], spec: Any, path: KeyPath) -> P | None:
        """A part by its name, or by a mapping with `name` and its options."""
        if isinstance(spec, str):
            return self._built(registry, spec, None, path)
        if isinstance(spec, dict) and isinstance(spec.get("name"), str):
            options = {key: value for key, value in spec.items() if key != "name"}
            return self._built(registry, spec["name"], options, path)
        known = ", ".join(registry.names()) or "none"
        message = f"a {registry.kind} is a name, or a mapping with `name` and options"
        self.findings.add(path, message, f"installed: {known}")
        return None

    def _built(self, registry: Registry[P], name: str, options: Any, path: KeyPath) -> P | None:
        try:
            part = registry.build(name, options)
            offer = registry.offer(name)
        except JobError as error:
            self.findings.add_part(path, error.problems)
            return None
        except PluginError as error:
            self.findings.add(path, str(error))
            return None
        self.origins[f"{registry.kind} {name}"] = f"{offer.package} {offer.version}"
        return self._anchored(part, path)

    def _anchored(self, part: P, path: KeyPath) -> P:
        """The part with its paths absolute; like those of items, they lead to what must exist."""
        base = Base(self.folder, folders=True)
        given = {name: getattr(part, name) for name in path_fields(type(part))}
        absolute: dict[str, Path | list[Path]] = {
            name: self._located(base, str(value), (*path, name)) for name, value in given.items() if value is not None
        }
        lists = {name: getattr(part, name) for name in path_list_fields(type(part))}
        absolute |= {
            name: [self._located(base, str(each), (*path, name)) for each in value] for name, value in lists.items()
        }
        return part.model_copy(update=absolute) if absolute else part

    def _located(self, base: Base, name: str, path: KeyPath) -> Path:
        absolute, wrong = base.locate(name)
        if wrong:
            self.findings.add(path, wrong)
        return absolute

    def _section(self, name: str, form: type[Any], expected: str) -> Any:
        """A section that may be missing, in the form it must have."""
        value = self.values.get(name)
        if isinstance(value, form):
            return value
        if name in self.values:
            self.findings.add((name,), f"{name} is {expected}")
        return form()

    def _valid(self, model: type[M], values: Any, path: KeyPath, thing: str) -> M | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            self.findings.add_part(path, problems_of(error, model, thing))
            return None

    def _check_bound(self, bound: Bound, path: KeyPath) -> None:
        if bound.min is None and bound.max is None:
            self.findings.add(path, "a bound without `min` and `max` judges nothing")
        elif bound.min is not None and bound.max is not None and bound.min > bound.max:
            self.findings.add(path, f"nothing lies between min {bound.min:g} and max {bound.max:g}")
