"""Recognises secrets and personal data, by the name of a field and by the shape of a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import accumulate

__all__ = ["Mask", "has_personal_shape", "has_secret_shape", "is_key", "is_secret", "is_sensitive", "mask_shapes"]

Mask = Callable[[str], str]  # text → the text with its secrets masked

# Anywhere in a name, in any case: "X-CSRFToken", "newPassword1", "sessionid".
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
# As words of a name, separated by case or by characters that aren't letters ("card_number", but not "cardinality"), or
# as several words written together ("first_name", "firstName", "firstname").
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
# Those of these words that stand for credentials and means of payment; the others are personal. A number can be a
# secret too if it is short by design.
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
# Names of keys, and of much else: a secret only if the value looks like one.
KEY_WORDS = frozenset(["access", "auth", "key", "keys", "refresh", "salt", "seed"])
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LONGEST_NAME = 200
LONGEST_SHAPE = 10_000  # characters of a text that are searched for shapes


def is_sensitive(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether the value of a field, parameter, cookie or header with this name is secret or personal. `more` are
    further names, in any case."""
    return _is_sensitive(name[:LONGEST_NAME], more)  # cut before it is cached: callers choose names


@lru_cache(maxsize=4096)
def _is_sensitive(name: str, more: frozenset[str]) -> bool:
    if _has_fragment(name) or name.lower() in {other.lower() for other in more}:
        return True
    return not WORDS.isdisjoint(_words(name))


def is_secret(name: str, *, number: bool = False) -> bool:
    """Whether a value with this name is a credential or means of payment, such as a password, a key or a card.
    `number`: the value is a number, which counts for "pin" but not for "sessions"."""
    name = name[:LONGEST_NAME]
    if number:
        return not SECRET_NUMBERS.isdisjoint(_words(name))
    return _has_fragment(name) or not SECRET_WORDS.isdisjoint(_words(name))


def is_key(name: str, text: str) -> bool:
    """Whether a text with this name is a key: an opaque string like DRF's tokens, under a name that keys have."""
    opaque = OPAQUE.fullmatch(text[:LONGEST_SHAPE]) is not None and UUID.fullmatch(text) is None
    return opaque and not KEY_WORDS.isdisjoint(_words(name[:LONGEST_NAME]))


def _has_fragment(name: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return any(fragment in plain for fragment in FRAGMENTS)


def _words(name: str) -> set[str]:
    """The words of a name, and up to four consecutive ones joined."""
    words = [word.lower() for word in PARTS.findall(name)]
    return {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(i + 4, len(words)) + 1)}


JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
SCHEME = re.compile(r"\b(Bearer|Basic|Digest|Token|JWT)(\s+)([\w.~+/=:-]{8,})", re.IGNORECASE)
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,60}(?!\d)")  # a card number among them
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,60}\b")  # possibly with more after it
# Session keys and the like: long, with both letters and digits. Prefixed keys of well-known providers are shorter.
OPAQUE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}(?![\w-])")
CARD, ACCOUNT = range(13, 20), range(15, 35)  # their lengths
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
PREFIXED = re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}")
CREDENTIALS = re.compile(r"(//)([^/@\s\"'<>]{1,200})(@)")


# Hashes of Django's and other password hashers, and keys in text form.
PASSWORD_HASH = re.compile(
    r"(?:pbkdf2_\w+|scrypt|bcrypt\w*|argon2\w*|md5|sha1|unsalted_\w+)\$\S+|\$(?:2[abxy]|argon2\w*|[156])\$\S+"
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]{0,10000}(?:-----END [A-Z ]*PRIVATE KEY-----)?")


def mask_shapes(text: str, mask: Mask) -> str:
    """`text` with JWTs, credentials, e-mail addresses, card numbers, IBANs and session keys replaced by `mask`."""
    text = CREDENTIALS.sub(lambda found: found[1] + mask(found[2]) + found[3], text)
    text = SCHEME.sub(lambda found: found[1] + found[2] + mask(found[3]), text)
    for shape in (PASSWORD_HASH, PRIVATE_KEY, JWT, EMAIL, PREFIXED):
        text = shape.sub(lambda found: mask(found[0]), text)
    text = DIGITS.sub(lambda found: _masked_part(found[0], CARD, is_card, mask), text)
    text = IBAN.sub(lambda found: _masked_part(found[0], ACCOUNT, is_iban, mask), text)
    return OPAQUE.sub(lambda found: found[0] if UUID.fullmatch(found[0]) else mask(found[0]), text)


def has_secret_shape(text: str) -> bool:
    """Whether a text contains a password hash, a private key, a JWT, credentials, a provider's key, a card number or an
    IBAN. Long opaque strings don't count: identifiers and file names look like them."""
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
    """Mask the longest valid part of a run of groups, which may have other numbers next to it. Only parts with these
    `lengths` are tried, so that a request with many groups doesn't block the process."""
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
