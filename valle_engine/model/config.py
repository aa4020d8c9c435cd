"""What a checkpoint says about its model, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from valle_engine.errors import CheckpointError

if TYPE_CHECKING:
    from valle_engine.parts import Codec

T = TypeVar("T", int, bool, str)

SIZES: Mapping[str, Mapping[str, int]] = {"full": {"dim": 1024, "heads": 16, "layers": 12}}
"""Sizes that a checkpoint may give by name."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A codec language model of the released format.

    `dim` is the width, `levels` the codebooks, `codes` the entries of each; `phonemes` and `characters` are the sizes
    of the two text vocabularies. The switches differ between releases; a file that is silent means their defaults.
    `demasks` is false for the first releases, whose tables and heads know levels only. `codec` names the codec whose
    codes it speaks; empty: the file is silent. With `mended`, every place of a row has a position of its own and
    all text is written from left to right; released weights were trained otherwise.
    """

    name: str = "ar+nar"
    version: int = 5
    dim: int = 1024
    heads: int = 16
    layers: int = 12
    tasks: int = 8
    langs: int = 1
    tones: int = 1
    levels: int = 8
    codes: int = 1024
    phonemes: int = 256
    characters: int = 8575
    capabilities: frozenset[str] = field(default=frozenset({"ar", "nar", "lang"}))
    sum_prompt: bool = False
    sum_response: bool = False
    restart_positions: bool = False
    noncausal: bool = False
    head_bias: bool = True
    demasks: bool = True
    codec: str = ""
    mended: bool = False

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.heads

    @property
    def stop_code(self) -> int:
        """Id with which level 0 ends when it is decoded step by step."""
        return self.codes

    @property
    def mask_code(self) -> int:
        """Id of a frame that demasking has not decided yet."""
        return self.codes

    @property
    def heads_by_name(self) -> dict[str, int]:
        """Vocabulary of each output head, in the order the checkpoint numbers them (SPEC of the format, section 2)."""
        sizes = {"AR:0:0": self.codes + 1}
        sizes |= {f"NAR:{level - 1}:{level}": self.codes for level in range(1, self.levels)}
        if self.demasks:
            sizes["NAR:0:0"] = self.codes
        sizes["stt"] = self.phonemes
        if "len" in self.capabilities:
            sizes["len"] = 11
        if self.version >= 6:
            sizes["text"] = self.characters
        return sizes

    def unfit(self, codec: Codec) -> str:
        """Why the codes of a codec are not those of this model; empty when they are."""
        if (codec.codebooks, codec.codebook_size) == (self.levels, self.codes):
            return ""
        return (
            f"the codec {codec.name!r} has {codec.codebooks} codebooks of {codec.codebook_size} entries, and the model "
            f"speaks {self.levels} of {self.codes}: name the codec that it was trained with"
        )

    @classmethod
    def parse(cls, raw: Mapping[str, Any], origin: str) -> ModelConfig:
        """Read the `config` of a checkpoint; keys that only training reads are passed over.

        Raises `CheckpointError` for another format, a version this engine does not speak, or a value of the wrong kind.
        """
        reader = _Reader(raw, origin)
        version = _checked_version(reader)
        experimental = reader.mapping("experimental")
        switches = _Reader(experimental, f"{origin}: experimental")
        sums = experimental.get("audio_embedding_sums", False)
        if sums not in (True, False, "prom", "resp"):
            raise CheckpointError(
                f"{origin}: audio_embedding_sums is {sums!r}; true, false, 'prom' and 'resp' are known"
            )
        size = _Reader(_size(raw.get("size", "full"), origin), f"{origin}: size")
        config = cls(
            name=reader.value("name", "ar+nar"),
            version=version,
            dim=size.value("dim", 1024),
            heads=size.value("heads", 16),
            layers=size.value("layers", 12),
            tasks=reader.value("tasks", 8),
            langs=reader.value("langs", 1),
            tones=reader.value("tones", 1),
            levels=size.value("resp_levels", 8),
            codes=size.value("audio_tokens", 1024),
            phonemes=size.value("phoneme_tokens", 256),
            characters=size.value("text_tokens", 8575),
            capabilities=frozenset(reader.names("capabilities", ["ar", "nar"])) | {"lang"},
            sum_prompt=sums in (True, "prom"),
            sum_response=sums in (True, "resp"),
            restart_positions=not switches.value("unified_position_ids", default=True),
            noncausal=switches.value("noncausal_masks", default=False),
            head_bias=switches.value("classifiers_bias", default=True),
            codec=reader.value("codec", ""),
            mended=switches.value("mended_layout", default=False),
        )
        config.check(origin)
        return config

    def check(self, origin: str) -> None:
        """Raise `CheckpointError` for sizes that make no model."""
        sizes = (self.dim, self.heads, self.layers, self.tasks, self.langs, self.tones, self.levels, self.codes)
        if min(sizes) < 1 or self.phonemes < 4 or self.characters < 4:
            raise CheckpointError(f"{origin}: sizes must be positive: {self}")
        if self.dim % self.heads or self.head_dim % 2:
            raise CheckpointError(f"{origin}: width {self.dim} does not split into {self.heads} heads of even width")


@dataclass(frozen=True, slots=True)
class _Reader:
    raw: Mapping[str, Any]
    origin: str

    def value(self, key: str, default: T) -> T:
        found = self.raw.get(key, default)
        if type(found) is not type(default):
            raise CheckpointError(f"{self.origin}: {key} is {found!r}, not of type {type(default).__name__}")
        return found

    def mapping(self, key: str) -> Mapping[str, Any]:
        found = self.raw.get(key) or {}
        if not isinstance(found, Mapping):
            raise CheckpointError(f"{self.origin}: {key} is {found!r}, not a mapping")
        return found

    def names(self, key: str, default: list[str]) -> list[str]:
        found = self.raw.get(key, default)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise CheckpointError(f"{self.origin}: {key} is {found!r}, not a list of names")
        return found


def _checked_version(reader: _Reader) -> int:
    version = reader.value("version", 5)
    if version >= 7:
        raise CheckpointError(
            f"{reader.origin}: version {version} (44 kHz models) is not supported yet; use a version 5 or 6 checkpoint"
        )
    if version < 5:
        raise CheckpointError(f"{reader.origin}: version {version} is older than the oldest supported, 5")
    arch, experts = reader.value("arch_type", "llama"), reader.value("experts", 1)
    if arch != "llama" or experts != 1:
        raise CheckpointError(f"{reader.origin}: a {arch!r} body with {experts} experts; only 'llama' with 1 is known")
    return version


def _size(size: object, origin: str) -> Mapping[str, Any]:
    if isinstance(size, Mapping):
        return size
    if size not in SIZES:
        raise CheckpointError(f"{origin}: size {size!r} is not known; give dim, heads and layers, or one of {[*SIZES]}")
    return SIZES[str(size)]
