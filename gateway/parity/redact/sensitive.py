"""What is a secret or about a person: by the name of a field, and by the shape of a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

__all__ = ["has_personal_shape", "has_secret_shape", "is_key", "is_secret", "is_sensitive", "mask_shapes"]

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
        accesskey activationcode address addresses auth backupcode backupcodes bic birthdate birthday birthname bsn
        card cards city cookie cookies creditcard cvc cvv dateofbirth dob email emails familyname fax firstname
        fullname givenname houseno iban imei ip jwt lastname lat latitude lng longitude maidenname mobile msisdn
        nationalid nonce onetimecode otp passport phone phones pin plz postalcode postcode privatekey pwd recoverycode
        recoverycodes resetcode salutation sid signature socialsecurity ssn street surname taxid tel telephone tin
        totp username vat verificationcode zip zipcode
        """,
    )
)
# Of those words, the ones that let somebody in or pay; the others are about a person. A number can be a secret too
# where it is short by design.
SECRET_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        accesskey activationcode backupcode backupcodes bic card cards cookie cookies creditcard cvc cvv iban jwt nonce
        onetimecode otp pin privatekey pwd recoverycode recoverycodes resetcode sid signature ssn totp verificationcode
        """,
    )
)
SECRET_NUMBERS = frozenset(["cvc", "cvv", "otp", "pin", "ssn"])
# What keys are called, and much else: a secret where the value looks like one, too.
KEY_WORDS = frozenset(["access", "auth", "key", "keys", "refresh", "salt", "seed"])
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LONGEST_NAME = 200
LONGEST_SHAPE = 10_000  # characters of a text that are looked at for shapes


def is_sensitive(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether the value of a field, parameter, cookie or header of this name is a secret or personal. `more` are names
    of one's own, in any case."""
    return _is_sensitive(name[:LONGEST_NAME], more)  # cut before it is remembered: callers choose names


@lru_cache(maxsize=4096)
def _is_sensitive(name: str, more: frozenset[str]) -> bool:
    if _has_fragment(name) or name.lower() in {other.lower() for other in more}:
        return True
    return not WORDS.isdisjoint(_words(name))


def is_secret(name: str, *, number: bool = False) -> bool:
    """Whether a value under this name lets somebody in or pay, as a password, a key or a card does. `number`: the value
    is one, as of "pin" but not of "sessions"."""
    name = name[:LONGEST_NAME]
    if number:
        return not SECRET_NUMBERS.isdisjoint(_words(name))
    return _has_fragment(name) or not SECRET_WORDS.isdisjoint(_words(name))


def is_key(name: str, text: str) -> bool:
    """Whether a text under this name is a key: an opaque string, as of DRF's tokens, under what keys are called."""
    opaque = OPAQUE.fullmatch(text[:LONGEST_SHAPE]) is not None and UUID.fullmatch(text) is None
    return opaque and not KEY_WORDS.isdisjoint(_words(name[:LONGEST_NAME]))


def _has_fragment(name: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return any(fragment in plain for fragment in FRAGMENTS)


def _words(name: str) -> set[str]:
    """The words of a name, and up to four in a row written as one."""
    words = [word.lower() for word in PARTS.findall(name)]
    return {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + 4, len(words)) + 1)}


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


# What Django's and other hashers write, and keys as text.
PASSWORD_HASH = re.compile(
    r"(?:pbkdf2_\w+|scrypt|bcrypt\w*|argon2\w*|md5|sha1|unsalted_\w+)\$\S+|\$(?:2[abxy]|argon2\w*|[156])\$\S+"
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]*PRIVATE KEY-----)?")


def mask_shapes(text: str, mask: Mask) -> str:
    """`text` with JWTs, credentials, e-mail addresses, card numbers, IBANs and session keys given to `mask`."""
    text = CREDENTIALS.sub(lambda found: found[1] + mask(found[2]) + found[3], text)
    text = SCHEME.sub(lambda found: found[1] + found[2] + mask(found[3]), text)
    for shape in (PASSWORD_HASH, PRIVATE_KEY, JWT, EMAIL, PREFIXED):
        text = shape.sub(lambda found: mask(found[0]), text)
    text = DIGITS.sub(lambda found: _masked_part(found[0], CARD, is_card, mask), text)
    text = IBAN.sub(lambda found: _masked_part(found[0], ACCOUNT, is_iban, mask), text)
    return OPAQUE.sub(lambda found: found[0] if UUID.fullmatch(found[0]) else mask(found[0]), text)


def has_secret_shape(text: str) -> bool:
    """Whether a text holds a password's hash, a private key, a JWT, credentials, a provider's key, a card number or an
    IBAN. Long opaque strings alone are none: identifiers and file names look like them."""
    text = text[:LONGEST_SHAPE]
    if any(shape.search(text) for shape in (PASSWORD_HASH, PRIVATE_KEY, JWT, PREFIXED, SCHEME)):
        return True
    if (found := CREDENTIALS.search(text)) is not None and ":" in found[2]:
        return True
    shown: list[str] = []

    def show(part: str) -> str:
        shown.append(part)
        return part

    for pattern, lengths, valid in ((DIGITS, CARD, is_card), (IBAN, ACCOUNT, is_iban)):
        for run in pattern.finditer(text):
            _masked_part(run[0], lengths, valid, show)
    return bool(shown)


def has_personal_shape(text: str) -> bool:
    """Whether a text holds an e-mail address."""
    return EMAIL.search(text[:LONGEST_SHAPE]) is not None


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


def is_card(digits: str) -> bool:
    """13 to 19 digits with the check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def is_iban(plain: str) -> bool:
    """15 to 34 characters with the check digits of an IBAN (ISO 13616: mod 97 of ISO/IEC 7064)."""
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1
