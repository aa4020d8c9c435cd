"""Rooms that nobody has built: the echo of a clap in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valle_engine.audio import scientific
from valle_engine.records import Clip
from valle_plugins.synthetic.chance import stream

if TYPE_CHECKING:
    from random import Random

RATE = 24_000
SPEED_OF_SOUND = 343  # m/s
SABINE = 0.161  # s/m
DECAY = np.log(1000)  # nepers that make 60 dB
NEAREST = 0.3  # m between the mouth, the ear, and any wall


def room(seed: int, number: int) -> Clip:
    """The impulse response of the room `number` of `seed` at 24 kHz; it begins with the direct sound, of height 1.

    A box with walls that all absorb alike: the direct sound and the first reflections by mirror images (Allen and
    Berkley 1979), the rest as noise that decays by Eyring's formula, as loud as diffuse-field theory has it (Kuttruff,
    Room Acoustics, section 5.1). High tones fade twice as fast.
    """
    random = stream("room", seed, number)
    size = np.array([random.uniform(2.5, 10), random.uniform(2, 8), random.uniform(2.3, 4)])
    absorption = 0.6 * 2 ** -random.uniform(0, 3.6)
    mouth, other = _place(random, size), _place(random, size)
    ear = mouth + random.uniform(0.1, 1) * (other - mouth)
    distance = max(float(np.linalg.norm(mouth - ear)), NEAREST)
    response = _tail(random, size, absorption, distance)
    response[0] = 1.0
    for delay, height in _reflections(size, absorption, mouth, ear, distance):
        response[min(delay, len(response) - 1)] += height
    return Clip(np.asarray(response, np.float32), RATE)


def reverberate(clip: Clip, room: Clip) -> Clip:
    """A clip as it sounds in a room: as long as before, with the peak it had. Both have one rate."""
    wet = scientific("signal").fftconvolve(clip.samples, room.samples)[: len(clip.samples)]
    loudest = np.abs(wet).max(initial=0)
    level = np.abs(clip.samples).max(initial=0) / loudest if loudest else 1.0
    return Clip(np.asarray(wet * level, np.float32), clip.rate)


def _place(random: Random, size: np.ndarray) -> np.ndarray:
    return np.array([random.uniform(NEAREST, side - NEAREST) for side in size])


def _reflections(
    size: np.ndarray, absorption: float, mouth: np.ndarray, ear: np.ndarray, distance: float
) -> list[tuple[int, float]]:
    """Delays (samples after the direct sound) and heights of what the six walls throw back once."""
    found = []
    for axis in range(3):
        for wall in (0.0, size[axis]):
            image = mouth.copy()
            image[axis] = 2 * wall - mouth[axis]
            path = float(np.linalg.norm(image - ear))
            height = np.sqrt(1 - absorption) * distance / path
            found.append((round((path - distance) / SPEED_OF_SOUND * RATE), float(height)))
    return found


def _tail(random: Random, size: np.ndarray, absorption: float, distance: float) -> np.ndarray:
    """Decaying noise whose energy stands to that of the direct sound as in a diffuse field."""
    volume, surface = float(size.prod()), 2 * float(size[0] * size[1] + size[1] * size[2] + size[2] * size[0])
    seconds = SABINE * volume / (-surface * np.log(1 - absorption))
    ratio = 16 * np.pi * distance**2 * (1 - absorption) / (surface * absorption)
    times = np.arange(1, round(seconds * RATE) + 1) / RATE
    white = np.random.default_rng(random.getrandbits(64)).standard_normal(len(times) + 1)
    low, high = (white[1:] + white[:-1]) / 2, (white[1:] - white[:-1]) / 2
    decay = np.exp(-DECAY / seconds * times)
    tail: np.ndarray = low * decay + high * decay**2
    return np.asarray(tail * np.sqrt(ratio / np.square(tail).sum()))
