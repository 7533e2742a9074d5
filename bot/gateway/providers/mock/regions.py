"""What may follow a city's comma and belong to it: "San Francisco, CA", "London, Ontario", "Paris, France"."""

from __future__ import annotations

# fmt: off
NAMES = frozenset({
    "alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut", "delaware", "florida",
    "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine", "maryland",
    "massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska", "nevada",
    "new hampshire", "new jersey", "new mexico", "north carolina", "north dakota", "ohio", "oklahoma", "oregon",
    "pennsylvania", "rhode island", "south carolina", "south dakota", "tennessee", "texas", "utah", "vermont",
    "virginia", "west virginia", "wisconsin", "wyoming",
    "alberta", "british columbia", "manitoba", "nova scotia", "ontario", "quebec", "saskatchewan",
    "england", "northern ireland", "scotland", "wales",
    "argentina", "australia", "austria", "belgium", "brazil", "canada", "chile", "china", "colombia", "denmark",
    "egypt", "finland", "france", "germany", "greece", "india", "indonesia", "ireland", "italy", "japan",
    "kenya", "netherlands", "new zealand", "nigeria", "norway", "peru", "poland", "portugal", "south africa",
    "south korea", "spain", "sweden", "switzerland", "turkey", "ukraine", "united kingdom", "united states",
})

CODES = frozenset({
    "al", "ak", "az", "ar", "ca", "co", "ct", "de", "fl", "ga", "id", "il", "ia", "ks", "ky", "la", "md", "ma",
    "mn", "ms", "mo", "mt", "ne", "nv", "nh", "nj", "nm", "ny", "nc", "nd", "oh", "pa", "ri", "sc", "sd", "tn",
    "tx", "ut", "vt", "va", "wa", "wv", "wi", "wy", "dc", "uk", "us", "usa",
})
"""Codes that people write in small letters too; those that are words as well (in, or, me) are left out."""

CITIES_TOO = frozenset({"washington", "new york", "georgia", "mexico"})
"""Regions only where nothing else is listed: "Boston, New York and London" are three cities."""
# fmt: on
