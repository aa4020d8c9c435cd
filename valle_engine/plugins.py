"""Find the installed plugins, load them one by one, keep a broken one from breaking the rest."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import pluggy

from valle_engine import hookspecs
from valle_engine.errors import PluginError
from valle_engine.parts import Codec, Model, Normaliser, Part, Product, Sampler, Scorer, Source, Task, Transcriber
from valle_engine.registry import Offer, Registry, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import ModuleType

KINDS: Mapping[str, type[Part]] = {
    "tasks": Task,
    "samplers": Sampler,
    "codecs": Codec,
    "models": Model,
    "scorers": Scorer,
    "transcribers": Transcriber,
    "normalisers": Normaliser,
    "sources": Source,
    "products": Product,
}
SELECT = "VALLE_PLUGINS"
TRACE = "VALLE_TRACE_PLUGINS"

Status = Literal["loaded", "broken", "refused", "not selected"]


@dataclass(frozen=True, slots=True)
class PluginReport:
    """What became of one entry point. `parts` lists the names it offers per kind."""

    name: str
    package: str
    version: str
    module: str
    status: Status
    hooks: tuple[str, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    load_ms: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plugins of one run: made once in `main` or in a worker, and passed on."""

    manager: pluggy.PluginManager
    reports: tuple[PluginReport, ...]
    offers: Mapping[str, tuple[Offer[Any], ...]]

    @property
    def tasks(self) -> Registry[Task]:
        """The tasks a job may name."""
        return self._registry("tasks", Task)

    @property
    def samplers(self) -> Registry[Sampler]:
        """The samplers a job may name."""
        return self._registry("samplers", Sampler)

    @property
    def codecs(self) -> Registry[Codec]:
        """The codecs a model may name."""
        return self._registry("codecs", Codec)

    @property
    def models(self) -> Registry[Model]:
        """The models a job may name."""
        return self._registry("models", Model)

    @property
    def scorers(self) -> Registry[Scorer]:
        """The scorers a job may name."""
        return self._registry("scorers", Scorer)

    @property
    def transcribers(self) -> Registry[Transcriber]:
        """The transcribers a job may name."""
        return self._registry("transcribers", Transcriber)

    @property
    def normalisers(self) -> Registry[Normaliser]:
        """The normalisers a job may name."""
        return self._registry("normalisers", Normaliser)

    @property
    def sources(self) -> Registry[Source]:
        """The sources a job's items may come from."""
        return self._registry("sources", Source)

    @property
    def products(self) -> Registry[Product]:
        """The products a job may ask for."""
        return self._registry("products", Product)

    def tell(self, hook: str, **facts: Any) -> None:
        """Call a told hook. What a plugin raises is said on the standard error and harms nobody else."""
        for plugin in self._listeners(hook):
            others = [each for each in self.manager.get_plugins() if each is not plugin]
            try:
                self.manager.subset_hook_caller(hook, others)(**facts)
            except Exception as error:  # noqa: BLE001 - a listener may do anything; the run does not depend on it
                name = self.manager.get_name(plugin)
                print(f"plugin {name}: {hook} raised {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201

    def _listeners(self, hook: str) -> list[Any]:
        return [impl.plugin for impl in getattr(self.manager.hook, hook).get_hookimpls()]

    def clashes(self) -> dict[str, tuple[str, ...]]:
        """Names that more than one package offers, as `kind name`, with the packages."""
        found: dict[str, tuple[str, ...]] = {}
        for kind, base in KINDS.items():
            registry = self._registry(kind, base)
            found |= {f"{registry.kind} {name}": packages for name, packages in registry.clashes.items()}
        return found

    def _registry(self, kind: str, base: type[Part]) -> Registry[Any]:
        broken = tuple(report.name for report in self.reports if report.status in {"broken", "refused"})
        singular = base.__name__.lower()
        return Registry.collect(singular, self.offers.get(kind, ()), broken)


def load_plugins(entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> Plugins:
    """Load every installed plugin that VALLE_PLUGINS selects (all, when it is not set).

    A plugin is selected by its entry point's name or its package's; nothing of the others is imported. A plugin that
    does not import, breaks a rule of the hooks, or was built for another major version of them is reported, not raised.
    """
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    if os.environ.get(TRACE):
        _trace(manager)
    found = importlib.metadata.entry_points(group=hookspecs.GROUP) if entry_points is None else entry_points
    reports: list[PluginReport] = []
    offers: dict[str, list[Offer[Any]]] = {kind: [] for kind in KINDS}
    for entry_point in sorted(found, key=lambda each: (_package(each)[0], each.name)):
        report, offered = _load(manager, entry_point)
        reports.append(report)
        for kind, some in offered.items():
            offers[kind].extend(some)
    return Plugins(manager, tuple(reports), {kind: tuple(some) for kind, some in offers.items()})


def _load(
    manager: pluggy.PluginManager, entry_point: importlib.metadata.EntryPoint
) -> tuple[PluginReport, dict[str, list[Offer[Any]]]]:
    package, version = _package(entry_point)

    def report(status: Status, **facts: Any) -> PluginReport:
        return PluginReport(entry_point.name, package, version, entry_point.value, status, **facts)

    if not _selected(entry_point.name, package):
        return report("not selected"), {}
    started = time.perf_counter()
    plugin_name = f"{package}:{entry_point.name}"
    try:
        module = entry_point.load()
        _check_api(module)
        manager.register(module, plugin_name)
        hooks = _checked_hooks(manager, module)
        offered = {kind: _offers(manager, module, kind, package, version) for kind in KINDS if kind in hooks}
    except PluginError as error:
        _forget(manager, plugin_name)
        return report("refused", problem=str(error)), {}
    except (Exception, SystemExit):  # noqa: BLE001 - a plugin's import runs any code; what it raises stays its own
        _forget(manager, plugin_name)
        return report("broken", problem=traceback.format_exc(limit=-8)), {}
    parts = {kind: tuple(sorted(offer.part.name for offer in some)) for kind, some in offered.items()}
    load_ms = (time.perf_counter() - started) * 1000
    return report("loaded", hooks=tuple(sorted(hooks)), parts=parts, load_ms=load_ms), offered


def _selected(name: str, package: str) -> bool:
    wanted = os.environ.get(SELECT)
    return wanted is None or bool({name, package} & {part.strip() for part in wanted.split(",")})


def _package(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    if entry_point.dist is None:
        return "(no package)", "0"
    return entry_point.dist.name, entry_point.dist.version


def _check_api(module: ModuleType) -> None:
    built_for = str(getattr(module, "VALLE_API", hookspecs.API_VERSION))
    if built_for.partition(".")[0] != hookspecs.API_VERSION.partition(".")[0]:
        raise PluginError(
            f"{module.__name__} was built for version {built_for} of the plugin hooks, this engine has "
            f"{hookspecs.API_VERSION}: install a release of the plugin made for it"
        )


def _checked_hooks(manager: pluggy.PluginManager, module: ModuleType) -> set[str]:
    specified = {name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.GROUP}_spec")}
    written = {name for name in dir(module) if manager.parse_hookimpl_opts(module, name) is not None}
    for name in sorted(written - specified):
        near = nearest(name, specified)
        hint = f"did you mean {near!r}?" if near else f"the hooks are: {', '.join(sorted(specified))}"
        raise PluginError(f"{module.__name__} implements the hook {name!r}, which does not exist; {hint}")
    return written


def _offers(
    manager: pluggy.PluginManager, module: ModuleType, kind: str, package: str, version: str
) -> list[Offer[Any]]:
    others = [plugin for plugin in manager.get_plugins() if plugin is not module]
    [given] = cast("Callable[[], list[Iterable[Any]]]", manager.subset_hook_caller(kind, others))()
    offers = [Offer(part, package, version) for part in given]
    base = KINDS[kind]
    for offer in offers:
        if not (isinstance(offer.part, type) and issubclass(offer.part, base)):
            raise PluginError(f"{module.__name__}.{kind}() gave {offer.part!r}, which is no {base.__name__}")
        if not isinstance(getattr(offer.part, "name", None), str):
            raise PluginError(f"{offer.part.__module__}.{offer.part.__name__} has no `name`")
    return offers


def _forget(manager: pluggy.PluginManager, plugin_name: str) -> None:
    if manager.has_plugin(plugin_name):
        manager.unregister(name=plugin_name)


def _trace(manager: pluggy.PluginManager) -> None:
    started: list[float] = []

    def before(name: str, impls: Sequence[pluggy.HookImpl], _arguments: Mapping[str, Any]) -> None:
        started.append(time.perf_counter())
        print(f"hook {name}: {', '.join(impl.plugin_name for impl in impls) or 'nobody'}", file=sys.stderr)  # noqa: T201

    def after(
        _outcome: pluggy.Result[Any], name: str, _impls: Sequence[pluggy.HookImpl], _arguments: Mapping[str, Any]
    ) -> None:
        spent = (time.perf_counter() - started.pop()) * 1000
        print(f"hook {name}: done in {spent:.1f} ms", file=sys.stderr)  # noqa: T201

    manager.add_hookcall_monitoring(before, after)
