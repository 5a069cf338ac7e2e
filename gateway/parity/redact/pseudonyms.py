"""Pseudonyms: other values of the same shape, so that a recorded request still passes its validators.

With one key, the same value always has the same pseudonym, so that references stay consistent. Lengths are kept, except
those of passwords. Short values may share a pseudonym.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import shake_256
from string import ascii_lowercase, ascii_uppercase, digits
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gateway.parity.redact.masking import LOGINS, Masker
from gateway.parity.redact.sensitive import EMAIL, UUID, is_card, is_iban, is_secret, mask_shapes

__all__ = ["Pseudonyms"]

HEX = re.compile(r"(?=.*\d)(?=.*[a-fA-F])(?:[0-9a-f]{16,}|[0-9A-F]{16,})")
CARD = re.compile(r"\d(?:[ -]?\d){12,18}")
IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(.*)", re.DOTALL)
REFERENCE = re.compile(r"(.*?)(?:^|_|-|(?<=[a-z]))(?:id|pk|uuid|ID|Id|Pk|Uuid|ids|Ids)$", re.DOTALL)
PASSWORD = re.compile(r"passw|passphrase|pwd", re.IGNORECASE)
YEARS = 5 * 365  # maximum number of days by which a date is shifted
MOST = 100_000  # pseudonyms that are cached


class Pseudonyms(Masker):
    """Masks by pseudonyms with `key`, a secret that is deleted after the recording. See Masker for the rest."""

    __slots__ = ("_made",)

    def __init__(self, key: bytes, more: frozenset[str], paths: re.Pattern[str]) -> None:
        super().__init__(key, more, paths)
        self._made: set[str] = set()

    def mask(self, value: str) -> str:
        """The pseudonym of a text. A pseudonym is its own: a text is searched for names first, then for shapes."""
        if value in self._made:
            return value
        name, equals, rest = value.rpartition("=")
        if equals and EMAIL.fullmatch(rest):  # "to=ada@example.org" looks like an address, but is none
            return f"{name}={self.mask(rest)}"
        known = _known(value, self._stream(value.lower() if "@" in value else value))
        return self._noted(_alike(value, self._stream(value)) if known is None else known)

    def _noted(self, pseudonym: str) -> str:
        if len(self._made) < MOST:
            self._made.add(pseudonym)
        return pseudonym

    def secret(self, name: str, value: str) -> str:
        """The pseudonym of a value with a sensitive `name`; for a password, not even the length is kept."""
        if not value:
            return value
        if PASSWORD.search(name):
            return f"Aa1-{_text(12, ascii_lowercase + digits, self._stream(value))}"
        return self.mask(value)

    def number(self, text: str) -> str:
        """The pseudonym of a JSON number, with as many digits. The integer part of a fraction is kept, so that a
        coordinate stays on the map and a share below one."""
        end = min((place for place in map(text.find, "eE") if place >= 0), default=len(text))
        mantissa, exponent = text[:end], text[end:]
        whole, point, fraction = mantissa.partition(".")
        if not point:
            return _alike(mantissa, self._stream(mantissa.lstrip("-"))) + exponent
        return whole + point + _alike(fraction, self._stream(text), leading=False) + exponent

    def is_reference(self, name: str, value: str) -> bool:
        """Whether a value refers to a row ("address_id": 5), and must be kept so that the row is found. `value` is a
        number or a UUID; credentials are never references, whatever their name."""
        number = value.isdigit()
        if not number and UUID.fullmatch(value) is None:
            return False
        found = REFERENCE.fullmatch(name)
        if found is None or is_secret(name, number=number):
            return False
        return not found[1] or self.covers(found[1]) or not self.covers(name)

    def target(self, target: str) -> str:
        """As in the base class; pseudonyms are URL-encoded."""
        rest, hash_, fragment = target.partition("#")
        path, question, query = rest.partition("?")
        path = "/".join(self._segment(part) for part in path.split("/"))
        query, fragment = self.query(query), self.query(fragment)
        return path + question + query + hash_ + fragment

    def query(self, query: str) -> str:
        """A query or a form as written, with sensitive values replaced."""
        return "&".join(self._pair_of(part) for part in query.split("&"))

    def _segment(self, part: str) -> str:
        plain = unquote(part)
        masked = mask_shapes(plain, self.mask)
        return part if masked == plain else quote(masked, safe="@:+,;=!$&'()*")

    def _pair_of(self, part: str) -> str:
        name, equals, value = part.partition("=")
        if not equals:
            return self._parameter_value(part)
        plain = unquote_plus(name)
        if (self.covers(plain) or name.lower() in LOGINS) and not self.is_reference(plain, value):
            return f"{name}={quote_plus(self.secret(plain, unquote_plus(value)))}"
        return f"{self._parameter_value(name)}={self._parameter_value(value)}"

    def _parameter_value(self, part: str) -> str:
        plain = unquote_plus(part)
        masked = self.text(plain)
        return part if masked == plain else quote_plus(masked)

    def _stream(self, value: str) -> Iterator[int]:
        seed = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")
        return iter(shake_256(seed).digest(len(value) + 32))


def _known(value: str, stream: Iterator[int]) -> str | None:
    """The pseudonym of a value in a form that validators check; None for any other."""
    if EMAIL.fullmatch(value):
        return f"{_text(12, ascii_lowercase + digits, stream)}@example.com"
    if UUID.fullmatch(value):  # keeps version and variant
        return "".join(c if i in (14, 19) else _of_kind(c, stream, "0123456789abcdef") for i, c in enumerate(value))
    if CARD.fullmatch(value) and is_card(re.sub(r"[ -]", "", value)):
        return _card(value, stream)
    if IBAN.fullmatch(value) and is_iban(value.replace(" ", "")):
        return _iban(value, stream)
    if HEX.fullmatch(value):
        return "".join(_of_kind(c, stream, "0123456789abcdef") for c in value)
    if IPV4.fullmatch(value):
        return "10." + ".".join(str(next(stream) % 254 + 1) for _ in range(3))
    if (found := DAY.fullmatch(value)) is not None:
        return _day(found[1], found[2], stream)
    return None


def _alike(value: str, stream: Iterator[int], *, leading: bool = True) -> str:
    """Letters become letters of the same case, digits digits. A number keeps its length: its first digit isn't zero."""
    made = []
    first = leading and value.lstrip("-").isdigit() and value.lstrip("-")[:1] != "0"
    for character in value:
        if character.isdecimal():
            made.append(str(next(stream) % 9 + 1 if first else next(stream) % 10))
            first = False
        elif character.isalpha():
            made.append((ascii_uppercase if character.isupper() else ascii_lowercase)[next(stream) % 26])
        else:
            made.append(character)
    return "".join(made)


def _of_kind(character: str, stream: Iterator[int], alphabet: str) -> str:
    if not character.isalnum():
        return character
    found = alphabet[next(stream) % len(alphabet)]
    return found.upper() if character.isupper() else found


def _text(length: int, alphabet: str, stream: Iterator[int]) -> str:
    return "".join(alphabet[next(stream) % len(alphabet)] for _ in range(length))


def _card(value: str, stream: Iterator[int]) -> str:
    """Keeps the first digit, which identifies the network, and has a valid check digit."""
    places = [i for i, character in enumerate(value) if character.isdigit()]
    made = [*value]
    for place in places[1:]:
        made[place] = str(next(stream) % 10)
    number = "".join(made[place] for place in places[:-1])
    made[places[-1]] = next(check for check in digits if is_card(number + check))
    return "".join(made)


def _iban(value: str, stream: Iterator[int]) -> str:
    """Keeps the country, and has valid check digits."""
    rest = "".join(
        character
        if character == " "
        else _of_kind(character, stream, digits if character.isdigit() else ascii_lowercase)
        for character in value[4:]
    )
    plain = rest.replace(" ", "")
    number = int("".join(str(int(letter, 36)) for letter in f"{plain}{value[:2]}00"))
    return f"{value[:2]}{98 - number % 97:02d}{rest}"


def _day(day: str, rest: str, stream: Iterator[int]) -> str | None:
    moved = int.from_bytes(bytes(next(stream) for _ in range(4)))
    try:
        return (date.fromisoformat(day) - timedelta(days=moved % YEARS + 1)).isoformat() + rest
    except (ValueError, OverflowError):
        return None
