"""Small YAML files beside a book: every value is text until a model says what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from valle_engine.errors import JobError, Problem
from valle_engine.registry import problems_of

if TYPE_CHECKING:
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)
MAX_BYTES = 4 * 2**20


def read_model(path: Path, model: type[M], thing: str) -> M:
    """A file as a model. Raises `JobError` with everything that is wrong with it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise JobError([Problem(f"cannot read the {thing}: {error.strerror}", str(path))]) from None
    except UnicodeDecodeError:
        raise JobError([Problem(f"the {thing} is not valid UTF-8", str(path))]) from None
    if len(data) > MAX_BYTES:
        raise JobError([Problem(f"a {thing} may have {MAX_BYTES // 2**20} MiB", str(path))])
    try:
        return model.model_validate(parse_yaml(text, str(path)))
    except ValidationError as error:
        found = problems_of(error, model, thing)
        raise JobError([Problem(each.message, str(path), None, each.path, each.hint) for each in found]) from None


def parse_yaml(text: str, place: str) -> Any:
    """The one document of a YAML text, its scalars as text. Raises `JobError`."""
    import yaml  # noqa: PLC0415 - only who has such a file needs it

    loader = yaml.CBaseLoader(text)
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise JobError([Problem(f"not valid YAML: {said}", place, mark.line + 1 if mark else None)]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise JobError([Problem(f"not valid YAML: {error}", place)]) from None
    finally:
        loader.dispose()
