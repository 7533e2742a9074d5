"""What people write for states, provinces and countries: `TX`, `Ont`, `USA`, `Holland`."""

from __future__ import annotations

_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado",
    "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts",
    "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma",
    "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia", "WA": "Washington",
    "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
_PROVINCES = {
    "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick",
    "NL": "Newfoundland and Labrador", "NS": "Nova Scotia", "ON": "Ontario", "ONT": "Ontario",
    "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan",
    "NSW": "New South Wales", "QLD": "Queensland", "VIC": "Victoria", "TAS": "Tasmania",
}  # fmt: skip
_COUNTRIES = {
    "usa": "US", "america": "US", "united states of america": "US", "uk": "GB", "great britain": "GB",
    "britain": "GB", "holland": "NL", "uae": "AE", "emirates": "AE", "czech republic": "CZ",
    "south korea": "KR", "korea": "KR", "russia": "RU", "turkey": "TR", "vietnam": "VN", "taiwan": "TW",
    "ivory coast": "CI", "the netherlands": "NL", "deutschland": "DE", "españa": "ES", "brasil": "BR",
}  # fmt: skip


def meanings(region: str) -> tuple[str, ...]:
    """The names and codes that `region`, in any case, may stand for beside itself."""
    upper = region.upper()
    candidates = (_STATES.get(upper), _PROVINCES.get(upper), _COUNTRIES.get(region.lower()))
    return tuple(name for name in candidates if name)
