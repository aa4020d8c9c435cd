"""Written text to spoken text: numbers, dates, times, money, units, abbreviations, Roman numerals; per language.

Each rule changes what it knows and leaves the rest alone; espeak-ng reads what no rule has taken.
"""

from valle_engine.text.spoken.changes import Change, Rewriting, applied, between, cuts_into
from valle_engine.text.spoken.languages import rules_of

__all__ = ["Change", "Rewriting", "applied", "between", "cuts_into", "rules_of"]
