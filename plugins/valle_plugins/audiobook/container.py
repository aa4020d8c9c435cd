"""Books as files: AAC, MP3, Opus or FLAC with chapters, cover and tags, by PyAV."""

from __future__ import annotations

import base64
import io
import struct
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

BookFormat = Literal["m4b", "mp3", "opus", "flac"]
RATE = 24000
MILLISECOND = Fraction(1, 1000)
FRONT_COVER = 3
"""Kind of a picture, in the block that FLAC and Opus keep it in."""


@dataclass(frozen=True, slots=True)
class _Kind:
    container: str
    codec: str
    options: Mapping[str, str] = field(default_factory=dict)


KINDS: Mapping[str, _Kind] = {
    # The container that iPods read refuses PNG and JPEG covers; this one is the same with a brand of its own.
    "m4b": _Kind("mp4", "aac", {"brand": "M4B ", "movflags": "+faststart"}),
    "mp3": _Kind("mp3", "libmp3lame", {"id3v2_version": "3"}),
    "opus": _Kind("ogg", "libopus"),
    "flac": _Kind("flac", "flac"),
}
PICTURES: Mapping[str, tuple[str, str]] = {"image/png": ("png", "rgb24"), "image/jpeg": ("mjpeg", "yuvj420p")}
"""Pictures that fit into every format, with codec and pixels."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of a file, in samples from its start."""

    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover: its type and bytes, its size in pixels."""

    media_type: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of itself."""

    tags: Mapping[str, str]
    chapters: Sequence[Chapter]
    cover: Picture | None = None


def write_book(path: Path, blocks: Iterable[np.ndarray], kind: BookFormat, bit_rate: int, label: Label) -> None:
    """Encode a stream of samples (n,) float32 at 24 kHz into one file, in bounded memory.

    The same samples and label give the same bytes: the encoder runs in one thread and nothing tells the time.
    """
    import av  # noqa: PLC0415 - only a run that makes a book pays for it

    about = KINDS[kind]
    with av.open(str(path), "w", format=about.container, options=dict(about.options)) as container:
        container.flags |= cast("Any", av.container.Flags.bitexact).value
        stream: Any = container.add_stream(about.codec, rate=RATE, layout="mono")
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= cast("Any", av.codec.context.Flags.bitexact).value
        if kind != "flac":
            stream.bit_rate = bit_rate
        (stream if kind == "opus" else container).metadata.update(_tags(kind, label))
        if kind != "flac":
            container.set_chapters([_chapter(number, each) for number, each in enumerate(label.chapters)])
        picture = _picture_stream(container, label.cover) if label.cover and kind != "opus" else None
        if picture is not None and label.cover is not None:
            _put_picture(container, picture, label.cover)
        for packet in _packets(stream, blocks):
            container.mux(packet)


def _packets(stream: Any, blocks: Iterable[np.ndarray]) -> Iterator[Any]:
    import av  # noqa: PLC0415 - as above

    wanted = stream.codec_context.format
    fit = av.AudioResampler(format=wanted.name, layout="mono", rate=RATE, frame_size=stream.codec_context.frame_size)
    position = 0
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(block[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, position, Fraction(1, RATE)
        position += len(block)
        for fitted in fit.resample(frame):
            yield from stream.encode(fitted)
    for fitted in fit.resample(None):
        yield from stream.encode(fitted)
    yield from stream.encode(None)


def _chapter(number: int, chapter: Chapter) -> Any:
    return {
        "id": number,
        "start": chapter.start * 1000 // RATE,
        "end": chapter.end * 1000 // RATE,
        "time_base": MILLISECOND,
        "metadata": {"title": chapter.title},
    }


def _tags(kind: BookFormat, label: Label) -> dict[str, str]:
    tags = {name: value for name, value in label.tags.items() if value}
    if kind == "flac":
        # FFmpeg writes no chapters here; these comments are how Ogg has them, and are read alike.
        for number, chapter in enumerate(label.chapters):
            tags |= {f"CHAPTER{number:03}": clock(chapter.start / RATE), f"CHAPTER{number:03}NAME": chapter.title}
    if kind == "opus" and label.cover:
        tags["METADATA_BLOCK_PICTURE"] = base64.b64encode(_picture_block(label.cover)).decode()
    return tags


def clock(seconds: float, point: str = ".") -> str:
    """Seconds as hours, minutes, seconds and milliseconds: 01:02:03.004."""
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{rest:03}"


def _picture_stream(container: Any, cover: Picture) -> Any:
    import av  # noqa: PLC0415 - as above

    codec, pixels = PICTURES[cover.media_type]
    stream = container.add_stream(codec)
    stream.width, stream.height, stream.pix_fmt = cover.width, cover.height, pixels
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _put_picture(container: Any, stream: Any, cover: Picture) -> None:
    import av  # noqa: PLC0415 - as above

    packet = av.Packet(cover.data)
    packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 0, 0, True
    container.mux(packet)


def _picture_block(cover: Picture) -> bytes:
    """The PICTURE block of FLAC's format (RFC 9639, section 8.8)."""
    media_type = cover.media_type.encode()
    depth, colours = 24, 0
    return b"".join(
        (
            struct.pack(">II", FRONT_COVER, len(media_type)),
            media_type,
            struct.pack(">IIIIII", 0, cover.width, cover.height, depth, colours, len(cover.data)),
            cover.data,
        )
    )


def picture(media_type: str, data: bytes) -> Picture | None:
    """A cover as it can go into a book: PNG and JPEG as they are, others as PNG; None for what is no picture."""
    import av  # noqa: PLC0415 - as above

    try:
        with av.open(io.BytesIO(data), "r") as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration, ValueError, IndexError):
        return None
    if media_type in PICTURES:
        return Picture(media_type, data, frame.width, frame.height)
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "rgb24"
    encoder.time_base = Fraction(1)
    packets = [*encoder.encode(frame.reformat(format="rgb24")), *encoder.encode(None)]
    return Picture("image/png", b"".join(bytes(packet) for packet in packets), frame.width, frame.height)
