"""Sound in and out: read what strangers send, write the same bytes every time, change the rate."""

from valle_engine.audio.reading import AudioInfo, Limits, probe, read_clip
from valle_engine.audio.resampling import resample
from valle_engine.audio.scientific import scientific
from valle_engine.audio.writing import encode_clip

__all__ = ["AudioInfo", "Limits", "encode_clip", "probe", "read_clip", "resample", "scientific"]
