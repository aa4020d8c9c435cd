"""British spellings and the American ones they are compared as."""

from __future__ import annotations

_OUR = (
    "arm behavi clam col demean endeav fav ferv flav glam harb hon hum lab neighb od parl ranc rig rum sav splend succ "
    "tum val vap vig"
)
_ISE = (
    "agon apolog author baptis capital character civil colon critic dramat econom emphas energ final general harmon "
    "hypnot ideal immun legal local maxim memor minim mobil modern monopol national neutral normal organ patron penal "
    "polar popular priorit public rational real recogn reorgan revolution social special stabil standard steril summar "
    "symbol sympath terror util vandal visual"
)
_LL = (
    "cancel channel control counsel cruel dial equal fuel jewel label level marvel model quarrel rival signal travel "
    "tunnel"
)
_SINGLE = {
    "aeroplane": "airplane",
    "aluminium": "aluminum",
    "analyse": "analyze",
    "analysed": "analyzed",
    "analysing": "analyzing",
    "axe": "ax",
    "catalogue": "catalog",
    "centre": "center",
    "centres": "centers",
    "cheque": "check",
    "cheques": "checks",
    "cosy": "cozy",
    "defence": "defense",
    "dialogue": "dialog",
    "draught": "draft",
    "fibre": "fiber",
    "fulfil": "fulfill",
    "grey": "gray",
    "greys": "grays",
    "jewellery": "jewelry",
    "kilometre": "kilometer",
    "kilometres": "kilometers",
    "licence": "license",
    "litre": "liter",
    "litres": "liters",
    "manoeuvre": "maneuver",
    "metre": "meter",
    "metres": "meters",
    "mould": "mold",
    "moustache": "mustache",
    "offence": "offense",
    "plough": "plow",
    "practise": "practice",
    "practised": "practiced",
    "pretence": "pretense",
    "programme": "program",
    "programmes": "programs",
    "pyjamas": "pajamas",
    "sceptical": "skeptical",
    "sombre": "somber",
    "spectre": "specter",
    "storey": "story",
    "sulphur": "sulfur",
    "theatre": "theater",
    "theatres": "theaters",
    "tyre": "tire",
    "tyres": "tires",
    "waggon": "wagon",
    "woollen": "woolen",
}


def _table() -> dict[str, str]:
    found = dict(_SINGLE)
    for stem in _OUR.split():
        for ending in ("", "s", "ed", "ing", "ite", "ites", "able", "ful", "less", "hood", "ly"):
            found[f"{stem}our{ending}"] = f"{stem}or{ending}"
    for stem in _ISE.split():
        for ending in ("e", "ed", "es", "ing", "ation", "er", "ers"):
            found[f"{stem}is{ending}"] = f"{stem}iz{ending}"
    for stem in _LL.split():
        for ending in ("ed", "ing", "er", "ers"):
            found[f"{stem}l{ending}"] = f"{stem}{ending}"
    return found


AMERICAN = _table()
"""A word's American spelling; words that are spelt alike are not in it."""
