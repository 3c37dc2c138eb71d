import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from broker.partitioner import partition_of

HASHES_OF_KAFKAS_OWN_TEST = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "murmur2"), HASHES_OF_KAFKAS_OWN_TEST.items())
def test_it_is_the_hash_of_the_java_client(key: bytes, murmur2: int) -> None:
    assert partition_of(key, 1 << 31) == murmur2 & 0x7FFFFFFF


@given(st.binary(max_size=200), st.integers(1, 1024))
def test_it_agrees_with_aiokafka_on_every_key(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, every, every)


@given(st.binary(max_size=64))
def test_one_partition_takes_every_key(key: bytes) -> None:
    assert partition_of(key, 1) == 0


def test_keys_spread_evenly() -> None:
    counts = [0] * 8
    for n in range(8000):
        counts[partition_of(b"acme|k1.%026d" % n, 8)] += 1
    assert max(counts) < 1.15 * 1000
    assert min(counts) > 0.85 * 1000
