"""The version of a policy is the hash of its content: comments, order of fields and spelling do not change it."""

import hashlib
import json
from dataclasses import dataclass

from policy.policy import Policy


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A valid policy, its version, and where it came from."""

    policy: Policy
    """The effective document."""
    version: str
    """`pol_…`, a function of the effective document."""
    source: str
    """The file, or `pack:<name>`."""
    bases: tuple[str, ...] = ()
    """What it extends, nearest first."""


def version_of(policy: Policy) -> str:
    """`pol_<26 hex>`: the same effective document has the same version, however it is written down."""
    canonical = json.dumps(policy.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return f"pol_{hashlib.blake2b(canonical.encode(), digest_size=13).hexdigest()}"
