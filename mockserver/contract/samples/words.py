"""Plausible texts and numbers: what a member's name and format suggest. Knows no schema."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
"""When it is in a sample, unless a clock says otherwise."""
_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Niklaus", "Margaret", "Dennis", "Radia", "Ken")
_LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Wirth", "Hamilton", "Ritchie", "Perlman", "Thompson")
_CITIES = ("Berlin", "Lisbon", "Oslo", "Toronto", "Kyoto", "Nairobi", "Lima", "Austin", "Bologna", "Ghent")
_COUNTRIES = ("Germany", "Portugal", "Norway", "Canada", "Japan", "Kenya", "Peru", "Italy", "Belgium", "Chile")
_COUNTRY_CODES = ("DE", "PT", "NO", "CA", "JP", "KE", "PE", "IT", "BE", "CL")
_CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF", "CAD", "NOK", "SEK", "AUD", "PLN")
_STREETS = ("Main Street 1", "Mill Lane 12", "Station Road 7", "Harbour Street 23", "Garden Row 5")
_COMPANIES = ("Acme", "Globex", "Initech", "Umbra Works", "Northwind", "Blue Harbour", "Fabrikam", "Tailspin")
_COLOURS = ("red", "green", "blue", "amber", "violet", "teal")
_SENTENCES = (
    "A short description.",
    "Made to be read by people.",
    "Everything that there is to say about it.",
    "Nothing out of the ordinary.",
)
_LANGUAGES = ("en", "de", "fr", "pt", "ja", "it")
_ZONES = ("Europe/Berlin", "UTC", "America/Toronto", "Asia/Tokyo")
_USERS = ("ada", "grace", "alan", "edsger", "barbara", "margaret")

_BY_NAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("email|mail", ("ada@example.com", "grace@example.com", "alan@example.com", "barbara@example.com")),
    ("first name|given name|firstname|forename", _FIRST),
    ("last name|family name|lastname|surname", _LAST),
    ("user name|username|login|user|nickname", _USERS),
    (
        "full name|display name|owner name|author|contact name|person",
        tuple(map(" ".join, zip(_FIRST, _LAST, strict=True))),
    ),
    ("company|organization|organisation|vendor|brand|merchant", _COMPANIES),
    ("city|town", _CITIES),
    ("country code", _COUNTRY_CODES),
    ("country", _COUNTRIES),
    ("currency|currency code", _CURRENCIES),
    ("street|address|address line 1|line 1", _STREETS),
    ("zip|zip code|postal code|postcode", ("10115", "90210", "75001", "20095")),
    ("phone|phone number|mobile|telephone|tel", ("+491555010123", "+12025550143", "+442079460018")),
    ("url|uri|link|href|website|homepage", ("https://example.com/", "https://example.com/a", "https://example.org/")),
    ("image|image url|avatar|avatar url|photo|thumbnail|picture", ("https://example.com/image.png",)),
    ("description|summary|text|message|comment|note|notes|body|content|bio|caption", _SENTENCES),
    ("title|subject|headline|label", ("A title", "A second title", "Another title")),
    ("color|colour", _COLOURS),
    ("language|lang|locale", _LANGUAGES),
    ("time zone|timezone|tz", _ZONES),
    ("version", ("1.0.0", "1.1.0", "2.0.0")),
    ("ip|ip address", ("192.0.2.1", "192.0.2.7", "198.51.100.4")),
    ("host|hostname|domain", ("example.com", "example.org", "example.net")),
    ("price|amount|total|cost", ("19.99", "5.00", "120.50")),
    ("status|state", ("active", "inactive", "pending")),
    ("gender|sex", ("female", "male")),
)
_TABLE = {name: words for names, words in _BY_NAME for name in names.split("|")}
_NUMBERS = (
    (("price", "amount", "total", "cost", "fee", "balance"), "19.99"),
    (("latitude", "lat"), "52.52"),
    (("longitude", "lng", "lon"), "13.4"),
    (("year",), "2026"),
    (("age",), "36"),
    (("quantity", "qty", "count"), "2"),
    (("percent", "percentage"), "50"),
    (("width",), "640"),
    (("height",), "480"),
)
_WEIGHTS = {word: number for words, number in _NUMBERS for word in words}
_MOMENTS = re.compile(r"(^|[a-z_\-])(created|updated|modified|deleted|expires|started|ended|timestamp)(_?at|_?on)?$")


@lru_cache(maxsize=2048)
def spaced(name: str) -> str:
    """A member's name as words: `billingFirst_name` is `billing first name`."""
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()).strip()


def word(name: str, rng: Random | None) -> str:
    """A text that suits a member; its own name when nothing better is known."""
    words = _suited(spaced(name))
    if words:
        return words[0] if rng is None else rng.choice(words)
    text = name.replace("-", "_") or "sample"
    return text if rng is None else f"{text}-{rng.getrandbits(32):08x}"


def _suited(name: str) -> tuple[str, ...]:
    parts = name.split(" ")
    for length in range(min(3, len(parts)), 0, -1):
        words = _TABLE.get(" ".join(parts[-length:]))
        if words:
            return words
    return ()


def weight(name: str, whole: bool) -> str:
    """A number that suits a member, as text."""
    found = _WEIGHTS.get(spaced(name).rpartition(" ")[2])
    return found if found and not (whole and "." in found) else "1"


def of_format(name: str, member: str, rng: Random | None, now: datetime) -> list[str]:
    """Texts of a format, the likeliest first; none for a format that is not known."""
    moment = now if rng is None else now - timedelta(seconds=rng.randrange(30 * 86400))
    utc = moment.astimezone(UTC).replace(microsecond=0)
    number = rng.randrange(1, 250) if rng is not None else 1
    user = "someone" if rng is None else rng.choice(_USERS) + str(number)
    match name:
        case "date-time":
            text = utc.strftime("%Y-%m-%dT%H:%M:%S")
            return [text + "Z", text + ".000Z", text + "+00:00"]
        case "date":
            return [utc.strftime("%Y-%m-%d")]
        case "time":
            return [utc.strftime("%H:%M:%SZ")]
        case "duration":
            return [f"P{number}D", f"PT{number}H"]
        case "email" | "idn-email":
            return [f"{user}@example.com", "a@b.co"]
        case "uuid" | "guid":
            return ["3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61" if rng is None else _uuid(rng)]
        case "uri" | "url" | "iri" | "href":
            tail = "" if rng is None else f"{spaced(member).replace(' ', '-') or 'a'}/{number}"
            return [f"https://example.com/{tail}", "https://example.com", "http://a.co", "a:b"]
        case "uri-reference" | "iri-reference":
            return ["/" if rng is None else f"/{number}"]
        case "uri-template":
            return ["/{id}" if rng is None else f"/{{id}}/{number}"]
        case "hostname" | "idn-hostname":
            return ["example.com" if rng is None else f"{rng.choice(_USERS)}{number}.example.com", "a.co"]
        case "ipv4" | "ip":
            return [f"192.0.2.{number}"]
        case "ipv6":
            return [f"2001:db8::{number:x}"]
        case "byte" | "base64":
            return [base64.b64encode(b"mock" if rng is None else rng.randbytes(6)).decode()]
        case "binary":
            return ["mock" if rng is None else rng.randbytes(4).hex()]
        case "json-pointer":
            return ["/sample" if rng is None else f"/sample/{number}"]
        case "relative-json-pointer":
            return [f"{number}/sample"]
        case "regex":
            return ["^[a-z]+$" if rng is None else f"^[a-z]{{{number}}}$"]
    return []


SHAPES = {
    "date-time": r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,40})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])$",
    "date": r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
    "time": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,40})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])$",
    "duration": r"^P([1-9][0-9]{0,20}D|[1-9][0-9]{0,20}W|T[1-9][0-9]{0,20}[HMS]|[1-9][0-9]*DT[1-9][0-9]*H)$",
    "email": r"^[a-zA-Z0-9]+([._+-][a-zA-Z0-9]+)*@([a-z][a-z0-9-]*[a-z0-9]\.)+[a-z]{2,12}$",
    "uuid": r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
    "uri": r"^[a-z][a-z0-9+.-]*:(//[a-z][a-z0-9-]*(\.[a-z0-9]+)*(:[0-9]{2,4})?)?(/[a-zA-Z0-9._~-]*)*"
    r"(\?[a-zA-Z0-9/._=&-]*)?(#[a-zA-Z0-9/]*)?$",
    "uri-reference": r"^[a-zA-Z0-9/._~?=&-]+$",
    "hostname": r"^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$",
    "ipv4": r"^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$",
    "ipv6": r"^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$",
    "byte": r"^([A-Za-z0-9+/]{4})+$",
    "json-pointer": r"^(/[a-z0-9]*)*$",
    "regex": r"^[a-z0-9]*$",
}
"""Patterns whose texts are all of a format, for those that must be of a length or match a pattern besides."""
_ALIASES = {"url": "uri", "iri": "uri", "idn-email": "email", "idn-hostname": "hostname", "guid": "uuid"}
_ALIASES |= {"iri-reference": "uri-reference", "uri-template": "uri-reference"}


def shape(name: str) -> str | None:
    """The pattern of a format; None when it has none."""
    return SHAPES.get(_ALIASES.get(name, name))


def is_moment(name: str) -> bool:
    """Whether a member by its name tells when something happened, though its schema does not say so."""
    return _MOMENTS.search(name.lower()) is not None


def _uuid(rng: Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[rng.randrange(4)]}{text[17:20]}-{text[20:]}"
