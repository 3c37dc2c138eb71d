"""The states of the subjects of one partition, which take many clean requests at once; judging is the detector's."""

from collections.abc import Sequence

from streams.detectors.offender_state import OffenderState
from streams.detectors.repeat_offender import RepeatOffender
from streams.detectors.verdict import Verdict
from streams.keyed import Kept, Keyed

Request = tuple[int, str, float]
"""Offset, request id and event time of a clean verdict."""


class Subjects(Keyed[OffenderState, Verdict]):
    """All subjects, or sessions, of one detector."""

    def __init__(self, detector: RepeatOffender, *, prefix: bytes) -> None:
        super().__init__(detector, state=OffenderState, prefix=prefix)
        self.offenders = detector

    def know(self, detector: RepeatOffender) -> None:
        """Judge by another configuration of the detector from now on."""
        self.detector = self.offenders = detector

    def requested(self, key: str, requests: Sequence[Request]) -> None:
        """Clean verdicts of one subject, in the order of the log; as `apply` with each of them would."""
        kept = self._kept.get(key)
        if kept is None:
            before = OffenderState()
        else:
            before = kept.state
            if requests[0][0] <= kept.applied:
                requests = [one for one in requests if one[0] > kept.applied]
        if requests:
            self._kept[key] = Kept(requests[-1][0], self.offenders.requested(before, requests))
            self._dirty.add(key)
