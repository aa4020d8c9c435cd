"""Find a codec's weights on disk or on the hub, and read them without ever running what is inside."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")
BLOCK_BYTES = 1 << 20


def locate(source: str, file_names: Sequence[str], sha256: str | None = None) -> Path:
    """The local file behind a file, a folder, or a hub id (`owner/name`, `owner/name@revision`).

    The first of `file_names` that the folder or the repository has is taken. Files of the hub are kept in its cache;
    with HF_HUB_OFFLINE=1 nothing but the cache is looked at. Raises `CheckpointError`, also when the file's hash is
    not the one asked for.
    """
    path = _local(Path(source).expanduser(), file_names) or _from_hub(source, file_names)
    if sha256 and (found := _hash(path)) != sha256.lower():
        raise CheckpointError(f"{path}: its sha256 is {found}, the job asks for {sha256}")
    return path


def _local(path: Path, file_names: Sequence[str]) -> Path | None:
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    for name in file_names:
        if (path / name).is_file():
            return path / name
    raise CheckpointError(f"{path}: holds none of {', '.join(file_names)}")


def _from_hub(source: str, file_names: Sequence[str]) -> Path:
    parts = HUB_ID.fullmatch(source)
    if parts is None:
        raise CheckpointError(f"{source}: no such file or folder, and no hub id (owner/name or owner/name@revision)")
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - slow to import, not needed for local weights
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415

    reason: Exception | None = None
    for name in file_names:
        try:
            # One wait for a hub that is out of reach is enough.
            only_cache = reason is not None
            found = hf_hub_download(parts["repository"], name, revision=parts["revision"], local_files_only=only_cache)
            return Path(found)
        except LocalEntryNotFoundError as error:
            reason = error
        except EntryNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{source}: cannot be fetched from the hub: {error}") from error
    if reason is None:
        raise CheckpointError(f"{source}: holds none of {', '.join(file_names)}")
    raise CheckpointError(
        f"{source}: is not in the local cache and the hub is out of reach: fetch it once where there is a network, or "
        "give the path of a local file"
    ) from reason


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a `.safetensors`/`.sft` file or of a PyTorch one (weights only, never code).

    Raises `CheckpointError` for anything else.
    """
    try:
        content = _read(path)
    except Exception as error:  # the parsers raise whatever they stumble on: KeyError, EOFError, struct.error …
        raise CheckpointError(f"{path}: cannot be read as weights: {type(error).__name__}: {error}") from error
    return _tensors(content, path)


def _read(path: Path) -> Any:
    if path.suffix in {".safetensors", ".sft"}:
        from safetensors.torch import load_file  # noqa: PLC0415 - torch is for workers only

        return load_file(path)
    import torch  # noqa: PLC0415 - same

    return torch.load(path, map_location="cpu", weights_only=True)


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    import torch  # noqa: PLC0415 - torch is for workers only

    if isinstance(content, dict) and all(isinstance(value, torch.Tensor) for value in content.values()):
        return content
    raise CheckpointError(f"{path}: is no table of tensors")


def unnormalised(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with weight normalisation multiplied out: `weight = g * v / |v|`, norms over all but the first axis.

    Both ways of PyTorch to store it are known: `weight_g`, `weight_v` and `parametrizations.weight.original0`, `…1`.
    """
    plain = {}
    for key, value in tensors.items():
        name = key.replace("parametrizations.weight.original0", "weight_g")
        name = name.replace("parametrizations.weight.original1", "weight_v")
        plain[name] = value
    for name in [name for name in plain if name.endswith("weight_v")]:
        direction, length = plain.pop(name), plain.pop(f"{name[:-1]}g")
        axes = tuple(range(1, direction.dim()))
        plain[name.removesuffix("_v")] = direction * (length / direction.norm(2, dim=axes, keepdim=True))
    return plain


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put tensors into a network (made on the device "meta") that must hold just these, in float32.

    Raises `CheckpointError` that says what does not fit.
    """
    floats = {name: tensor.float() for name, tensor in tensors.items()}
    try:
        missing, unexpected = network.load_state_dict(floats, strict=False, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit: {error}") from error
    if missing or unexpected:
        raise CheckpointError(f"{path}: does not fit: missing {missing[:5]}, not known {unexpected[:5]}")
