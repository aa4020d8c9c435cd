"""Voices of flite (Debian's package of that name), where its command is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from valle_engine.audio import read_clip
from valle_engine.errors import ItemError
from valle_plugins.synthetic.recipes import FLITE_VOICES

if TYPE_CHECKING:
    from valle_engine.records import Clip
    from valle_plugins.synthetic.recipes import Flite

LONGEST_SECONDS = 60


def speak(text: str, recipe: Flite) -> Clip:
    """Speak an English text. Raises `ItemError` where flite is missing, lacks the voice, or fails."""
    if recipe.voice not in FLITE_VOICES:
        raise ItemError(f"flite has no voice {recipe.voice!r}; these can be used: {', '.join(FLITE_VOICES)}")
    if not (flite := shutil.which("flite")):
        raise ItemError("this voice needs the command flite: apt install flite, or make the corpus without `flite`")
    with tempfile.TemporaryDirectory(prefix="flite-") as folder:
        path = Path(folder, "speech.wav")
        manner = [f"duration_stretch={recipe.stretch / 100}", f"int_f0_target_mean={recipe.pitch}"]
        settings = [word for setting in manner for word in ("--setf", setting)]
        _run([flite, "-voice", recipe.voice, *settings, "-o", str(path), "-t", text])
        return read_clip(path)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=LONGEST_SECONDS)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired:
        raise ItemError(f"flite did not end within {LONGEST_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise ItemError(f"flite failed: {error.stderr.decode(errors='replace').strip()[-300:]}") from None
