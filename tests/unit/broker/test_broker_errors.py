from pathlib import Path

import pytest

from broker import errors


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (errors.BrokerUnreachable("kafka:9092"), "no Kafka broker answers at kafka:9092"),
        (errors.PartitionsDiffer("signals", expected=4, found=6), "signals has 6 partitions, the settings say 4"),
        (errors.TopicRefused("signals", "policy"), "refused topic signals: policy"),
        (errors.SendFailed("MessageSizeTooLargeError"), "not acknowledged: MessageSizeTooLargeError"),
        (errors.Fenced("decide-0"), "another owner took over decide-0"),
        (errors.MembershipLost("worker", "cancelled"), r"no longer a member of group worker \(cancelled\): start"),
        (errors.TransactionsUnsupported(), "no transactions"),
        (errors.EmbeddedBrokerMissing(), r"pip install 'watchfloor\[embedded\]'"),
        (errors.EmbeddedBrokerFailed(Path("b.log"), exit_code=3), "ended with code 3; see b.log"),
        (errors.EmbeddedBrokerFailed(Path("b.log"), exit_code=None), "does not answer; see b.log"),
    ],
)
def test_each_error_says_what_to_do_about_it(error: errors.BrokerError, says: str) -> None:
    with pytest.raises(errors.BrokerError, match=says):
        raise error


def test_every_error_is_in_the_tree_that_the_docstring_draws() -> None:
    named = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert all(name in (errors.__doc__ or "") for name in named)
