"""Passwords are kept as scrypt hashes; the cost is low, for a load test is not to measure hashing."""

from __future__ import annotations

import hashlib
import hmac

_COST = 256


def hash_password(password: str, salt: str) -> str:
    """`salt$hash` for storing."""
    digest = hashlib.scrypt(password.encode(), salt=salt.encode(), n=_COST, r=8, p=1)
    return f"{salt}${digest.hex()}"


def check_password(password: str, stored: str) -> bool:
    """Whether a password is the one that was stored."""
    return hmac.compare_digest(hash_password(password, stored.partition("$")[0]), stored)
