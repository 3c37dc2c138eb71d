"""Keyed pseudonyms of people, sessions and credentials, and the keys they are made with; nothing here can undo one."""

import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Final, Literal

from events.errors import KeysError

Kind = Literal["subject", "session", "api_key", "prompt"]
"""What is being replaced: the same text gives different pseudonyms as a user id and as a session."""

SECRET_BYTES: Final = 32
_PSEUDONYM_LENGTH: Final = 26
_PLACES: Final = range(5 * _PSEUDONYM_LENGTH - 10, -1, -10)
_BASE32_PAIRS: Final = tuple(map("".join, product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)))
"""What base32 writes for ten bits; the standard library's own takes three times as long, and more than it has to."""
_DISTINCT_BYTES: Final = 16
_key_id_fits: Final = re.compile(r"[a-z0-9]{1,8}").fullmatch


class Pseudonymiser:
    """Turns raw identifiers into pseudonyms, at the edge, before anything is stored.

    `keys` maps key ids to secrets, the current one first; older ones stay until their pseudonyms have expired.
    Raises KeysError for a missing, short or predictable secret.

    >>> keys = {"k2": bytes(range(32)), "k1": bytes(range(100, 132))}
    >>> Pseudonymiser(keys).pseudonym("acme", "subject", "jane")
    'k2.gyeeeietltw6dy5kwelmvssrdr'
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise KeysError("", "no_keys")
        for key_id, secret in keys.items():
            _check(key_id, secret)
        self._keys = {key_id: hmac.new(secret, digestmod=hashlib.sha256) for key_id, secret in keys.items()}
        self._current = next(iter(keys))

    def pseudonym(self, tenant: str, kind: Kind, raw: str) -> str:
        """`<key id>.<26 base32 characters>` under the current key."""
        return _pseudonym(self._current, self._digest(self._current, tenant, kind, raw))

    def candidates(self, tenant: str, kind: Kind, raw: str) -> tuple[str, ...]:
        """Every pseudonym that `raw` may be stored under, the current one first: for look-ups after a rotation."""
        return tuple(_pseudonym(key_id, self._digest(key_id, tenant, kind, raw)) for key_id in self._keys)

    def keyed_hash(self, tenant: str, prompt: str) -> str:
        """A `prompt_hash`: 32 hex characters that tell a retry from a variation without the text.

        Case, white space and Unicode's compatible forms do not count. Hashes under different keys do not compare.
        """
        normal = " ".join(unicodedata.normalize("NFKC", prompt).casefold().split())
        return self._digest(self._current, tenant, "prompt", normal)[:16].hex()

    def _digest(self, key_id: str, *parts: str) -> bytes:
        encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
        message = b"".join([len(part).to_bytes(4, "big") + part for part in encoded])
        mac = self._keys[key_id].copy()
        mac.update(message)
        return mac.digest()


def new_key() -> str:
    """A fresh random secret, as the 64 hex characters that the key file holds."""
    return secrets.token_hex(SECRET_BYTES)


def load_keys(path: Path) -> dict[str, bytes]:
    """Read a key file: a JSON object from key id to hex secret, the current key first.

    Raises KeysError for a file that cannot be read, is not that object, or names a key twice.
    """
    try:
        pairs = json.loads(path.read_text("utf-8"), object_pairs_hook=list)
    except OSError:
        raise KeysError("", "unreadable") from None
    except ValueError:
        raise KeysError("", "not_json") from None
    if not _are_pairs(pairs):
        raise KeysError("", "not_an_object")
    keys: dict[str, bytes] = {}
    for key_id, text in pairs:
        if key_id in keys:
            raise KeysError(key_id, "named_twice")
        keys[key_id] = _secret(key_id, text)
    return keys


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(pair, tuple) for pair in value)


def _secret(key_id: str, text: object) -> bytes:
    try:
        return bytes.fromhex(text if isinstance(text, str) else "?")
    except ValueError:
        raise KeysError(key_id, "not_hex") from None


def _check(key_id: str, secret: bytes) -> None:
    if not _key_id_fits(key_id):
        raise KeysError(key_id, "bad_key_id")
    if len(secret) < SECRET_BYTES:
        raise KeysError(key_id, "too_short")
    if len(set(secret)) < _DISTINCT_BYTES:  # a random secret has about 30 distinct bytes, "changeme" repeated has 7
        raise KeysError(key_id, "predictable")


def _pseudonym(key_id: str, digest: bytes) -> str:
    bits = int.from_bytes(digest) >> (8 * len(digest) - 5 * _PSEUDONYM_LENGTH)
    return f"{key_id}.{''.join([_BASE32_PAIRS[bits >> place & 1023] for place in _PLACES])}"
