"""What is a secret or about a person: by the name of a field, and by the shape of a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

__all__ = ["is_sensitive", "mask_shapes"]

Mask = Callable[[str], str]

# Anywhere in a name, written in whatever case: "X-CSRFToken", "newPassword1", "sessionid".
FRAGMENTS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "csrf",
    "session",
    "apikey",
    "credential",
    "authoriz",
)
# As words of a name, which are parted by case or by anything but letters ("card_number", but not "cardinality"), or
# as several words written as one ("first_name", "firstName", "firstname").
WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        accesskey address addresses auth bic birthdate birthday birthname bsn card cards city cookie cookies creditcard
        cvc cvv dateofbirth dob email emails familyname fax firstname fullname givenname houseno iban imei ip jwt
        lastname lat latitude lng longitude maidenname mobile msisdn nationalid nonce otp passport phone phones pin plz
        postalcode postcode privatekey pwd salutation sid signature socialsecurity ssn street surname taxid tel
        telephone tin username vat zip zipcode
        """,
    )
)
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LONGEST_NAME = 200


def is_sensitive(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether the value of a field, parameter, cookie or header of this name is a secret or personal. `more` are names
    of one's own, in any case."""
    return _is_sensitive(name[:LONGEST_NAME], more)  # cut before it is remembered: callers choose names


@lru_cache(maxsize=4096)
def _is_sensitive(name: str, more: frozenset[str]) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if any(fragment in plain for fragment in FRAGMENTS) or name.lower() in {other.lower() for other in more}:
        return True
    words = [word.lower() for word in PARTS.findall(name)]
    joined = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + 4, len(words)) + 1)}
    return not WORDS.isdisjoint(joined)


JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
SCHEME = re.compile(r"\b(Bearer|Basic|Digest|Token|JWT)(\s+)([\w.~+/=:-]{8,})", re.IGNORECASE)
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,60}(?!\d)")  # a card number among them
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,60}\b")  # and what follows it
# Session keys and the like: long, letters and digits mixed. Prefixed keys of well-known providers are shorter.
OPAQUE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}(?![\w-])")
CARD, ACCOUNT = range(13, 20), range(15, 35)  # how many characters they have
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PREFIXED = re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}")
CREDENTIALS = re.compile(r"(//)([^/@\s\"'<>]{1,200})(@)")


def mask_shapes(text: str, mask: Mask) -> str:
    """`text` with JWTs, credentials, e-mail addresses, card numbers, IBANs and session keys given to `mask`."""
    text = CREDENTIALS.sub(lambda found: found[1] + mask(found[2]) + found[3], text)
    text = SCHEME.sub(lambda found: found[1] + found[2] + mask(found[3]), text)
    for shape in (JWT, EMAIL, PREFIXED):
        text = shape.sub(lambda found: mask(found[0]), text)
    text = DIGITS.sub(lambda found: _masked_part(found[0], CARD, _is_card, mask), text)
    text = IBAN.sub(lambda found: _masked_part(found[0], ACCOUNT, _is_iban, mask), text)
    return OPAQUE.sub(lambda found: found[0] if UUID.fullmatch(found[0]) else mask(found[0]), text)


def _masked_part(run: str, lengths: range, valid: Callable[[str], bool], mask: Mask) -> str:
    """Mask the longest part of a run of groups that is valid; other numbers may stand beside it. Only parts of such
    `lengths` are looked at: whoever sends many groups must not hold up the process."""
    edges = [0, *(found.end() for found in re.finditer(r"[ -]", run)), len(run) + 1]
    solid = [0, *accumulate(character not in " -" for character in run)]
    parts = [
        (start, end - 1)
        for i, start in enumerate(edges)
        for end in edges[i + 1 : i + 1 + lengths.stop]
        if solid[end - 1] - solid[start] in lengths
    ]
    for start, end in sorted(parts, key=lambda part: part[0] - part[1]):
        if valid(re.sub(r"[ -]", "", run[start:end])):
            return run[:start] + mask(run[start:end]) + run[end:]
    return run


def _is_card(digits: str) -> bool:
    """13 to 19 digits with the check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def _is_iban(plain: str) -> bool:
    """15 to 34 characters with the check digits of an IBAN (ISO 13616: mod 97 of ISO/IEC 7064)."""
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1
