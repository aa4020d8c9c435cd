"""Files of models that scorers and transcribers use: a local folder, or a repository on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN_FILES = ("*.json", "*.txt", "*.safetensors", "*.model", "*.tiktoken")
"""What is fetched of a repository beside its weights: data alone, no code."""


def fetched(weights: str, files: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """The folder of a model's files, and what stands for them in results: their name and their revision.

    `weights` is a folder, or a hub id, `@revision` behind it pins one; what was fetched before is found offline too.
    Raises `CheckpointError`.
    """
    folder = Path(weights).expanduser()
    if folder.is_absolute() or folder.is_dir():
        if not folder.is_dir():
            raise CheckpointError(f"{folder} is no folder: name that of the model's files, or a hub id")
        return folder, {"weights": weights, "revision": "local files"}
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only what must be fetched loads it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415 - same

    name, _, revision = weights.partition("@")
    try:
        place = Path(snapshot_download(name, revision=revision or None, allow_patterns=list(files)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"cannot fetch {weights} from the hub: {error}; name a local folder with its files instead"
        ) from error
    # The hub's cache keeps each commit in a folder of its name.
    return place, {"weights": name, "revision": place.name}
