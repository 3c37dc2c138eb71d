"""The policy document: models, loader, versions and default packs; it holds the thresholds and applies none of them."""

from policy.blocking import Passes, WouldBlock, would_block
from policy.errors import PolicyError, Problem
from policy.loader import load_policy, parse_policy
from policy.policy import Policy
from policy.version import LoadedPolicy

__all__ = [
    "LoadedPolicy",
    "Passes",
    "Policy",
    "PolicyError",
    "Problem",
    "WouldBlock",
    "load_policy",
    "parse_policy",
    "would_block",
]
