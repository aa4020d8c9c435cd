"""What determines the figures of a run: its scorers, what they hear through, the rules of comparing, the weights."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from valle_engine.job.fingerprints import FileDigests, canonical
from valle_engine.job.model import WEIGHTS
from valle_engine.job.paths import path_fields
from valle_engine.scoring.panel import PanelSpec
from valle_engine.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valle_engine.job.loading import Job
    from valle_engine.job.scoring import Scoring
    from valle_engine.parts import Part

PARTS = "parts"
"""In a stamp: the parts with their options as the job gave them, so that they can be built again."""
STAMPS = "scoring.json"
"""In the state folder: the recipes that scores were made by, by digest, with what was known of the loaded parts."""


def panel_spec(job: Job) -> PanelSpec:
    """What the scoring workers of a job must know."""
    return spec_of(
        job.scoring, scoring_recipe(job.scoring, job.origins), job.spec.scoring.batch, job.spec.scoring.device
    )


def spec_of(scoring: Scoring, recipe: Mapping[str, Any], batch: int, device: str) -> PanelSpec:
    """The same of parts and their recipe."""
    return PanelSpec(
        scorers=tuple((part.name, part.model_dump(mode="json")) for part in scoring.scorers),
        transcribers=tuple((part.name, part.model_dump(mode="json")) for part in scoring.transcribers),
        normaliser=(scoring.normaliser.name, scoring.normaliser.model_dump(mode="json")),
        batch=batch,
        device=device,
        digest=digest_of(recipe),
    )


def scoring_recipe(scoring: Scoring, origins: Mapping[str, str]) -> dict[str, Any]:
    """Everything that determines a figure, as far as it is known before anything is loaded."""
    files = FileDigests()
    rules = scoring.normaliser
    return {
        "scorers": [_part("scorer", part, origins, files) for part in scoring.scorers],
        "transcribers": [
            {**_part("transcriber", part, origins, files), "writes": part.writes} for part in scoring.transcribers
        ],
        "normaliser": {**_part("normaliser", rules, origins, files), "rules": rules.version},
    }


def digest_of(recipe: Mapping[str, Any]) -> str:
    """A short hash of a recipe."""
    return hashlib.sha256(canonical(recipe)).hexdigest()[:16]


def keep_stamp(state: Path, recipe: Mapping[str, Any], spec: PanelSpec, about: Mapping[str, Any]) -> None:
    """Note who made scores, and of what parts; what was noted of other recipes stays."""
    stamps = read_stamps(state)
    seen = stamps.get(spec.digest, {}).get("about", [])
    known = seen if about in seen else [*seen, dict(about)]
    stamps[spec.digest] = {**recipe, "about": known, PARTS: asdict(spec)}
    with replacing(state / STAMPS) as file:
        file.write(orjson.dumps(stamps, option=orjson.OPT_INDENT_2))


def spec_in(stamp: Mapping[str, Any]) -> PanelSpec:
    """The parts of a stamp."""
    kept = stamp[PARTS]
    return PanelSpec(
        scorers=tuple((name, options) for name, options in kept["scorers"]),
        transcribers=tuple((name, options) for name, options in kept["transcribers"]),
        normaliser=(kept["normaliser"][0], kept["normaliser"][1]),
        batch=kept["batch"],
        device=kept["device"],
        digest=kept["digest"],
    )


def told_of(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stamp stands in results: all but where files lie on this machine."""
    return {name: value for name, value in stamp.items() if name != PARTS}


def read_stamps(state: Path) -> dict[str, dict[str, Any]]:
    """The recipes that scores were made by, by digest."""
    path = state / STAMPS
    return dict(orjson.loads(path.read_bytes())) if path.is_file() else {}


def _part(kind: str, part: Part, origins: Mapping[str, str], files: FileDigests) -> dict[str, Any]:
    options = part.model_dump(mode="json")
    local = path_fields(type(part)) | ({WEIGHTS} if Path(str(options.get(WEIGHTS, ""))).is_absolute() else set())
    content = {name: f"sha256:{files.content(options[name])}" for name in local if options[name] is not None}
    package, _, version = origins.get(f"{kind} {part.name}", "").rpartition(" ")
    return {"name": part.name, "options": {**options, **content}, "package": package, "version": version}
