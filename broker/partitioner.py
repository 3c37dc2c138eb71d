"""Which partition a key belongs to: Kafka's murmur2, as in the Java client; it knows no topic and no broker."""

from functools import lru_cache
from struct import unpack_from

_SEED = 0x9747B28C
_M = 0x5BD1E995
_U32 = 0xFFFFFFFF
_CACHED_KEYS = 1 << 17


def _murmur2(data: bytes) -> int:
    length = len(data)
    words = length >> 2
    h = _SEED ^ length
    for word in unpack_from(f"<{words}I", data):
        k = word * _M & _U32
        k = (k ^ k >> 24) * _M & _U32
        h = h * _M & _U32 ^ k
    if tail := data[words << 2 :]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _U32
    h = (h ^ h >> 13) * _M & _U32
    return h ^ h >> 15


@lru_cache(maxsize=_CACHED_KEYS)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition, 0 ≤ p < `partitions`, that Kafka's default partitioner gives to `key`.

    >>> partition_of(b"acme|k1.abcdefghijklmnopqrstuvwxyz", 4)
    0
    """
    return (_murmur2(key) & 0x7FFFFFFF) % partitions
