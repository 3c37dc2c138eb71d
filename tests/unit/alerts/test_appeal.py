"""The appeal's state machine: its guards, in order, each with its own error."""

from datetime import timedelta

import pytest
from alert_facts import AT, ENFORCE, claim, decided, open_appeal, rule

from alerts.appeal import Appeal, transition
from alerts.appeal import open_appeal as opened_appeal
from alerts.errors import (
    ActorNotAllowed,
    AppealNotClaimed,
    AppealNotOpen,
    AppealWindowClosed,
    NotTheReviewer,
    ReviewerIsDecider,
)

_, DECISION = decided()
RULES = ENFORCE.policy.appeals
OPEN = opened_appeal(DECISION, open_appeal(DECISION.id), rules=RULES, now=AT)
CLAIMED = transition(OPEN, claim(OPEN.id), now=AT)
UPHELD = transition(CLAIMED, rule(OPEN.id, "upheld"), now=AT)
OVERTURNED = transition(CLAIMED, rule(OPEN.id), now=AT)


def test_open_appeal_tells_when_it_is_due_and_what_it_is_about():
    assert (OPEN.state, OPEN.decision_id, OPEN.subject) == ("open", DECISION.id, DECISION.subject)
    assert (OPEN.opened_at, OPEN.due_at) == (AT, AT + timedelta(days=7))
    assert OPEN.statement == "It was a novel."


def test_window_closes_to_the_second():
    with pytest.raises(AppealWindowClosed) as caught:
        opened_appeal(DECISION, open_appeal(DECISION.id), rules=RULES, now=AT + RULES.window + timedelta(seconds=1))
    assert caught.value.closed_at == AT + RULES.window


def test_claim_names_its_reviewer():
    assert (CLAIMED.state, CLAIMED.reviewer, CLAIMED.claimed_at) == ("claimed", "ines", AT)


@pytest.mark.parametrize("appeal", [CLAIMED, UPHELD, OVERTURNED])
def test_only_an_open_appeal_is_claimed(appeal: Appeal):
    with pytest.raises(AppealNotOpen) as caught:
        transition(appeal, claim(appeal.id, actor="omar"), now=AT)
    assert caught.value.state == appeal.state


@pytest.mark.parametrize("appeal", [OPEN, UPHELD, OVERTURNED])
def test_only_a_claimed_appeal_is_decided(appeal: Appeal):
    with pytest.raises(AppealNotClaimed) as caught:
        transition(appeal, rule(appeal.id), now=AT)
    assert caught.value.state == appeal.state


def test_decider_reviews_nothing_of_their_own():
    by_a_person = OPEN.model_copy(update={"decider": "ines"})
    with pytest.raises(ReviewerIsDecider):
        transition(by_a_person, claim(OPEN.id), now=AT)
    with pytest.raises(ReviewerIsDecider):
        transition(OPEN, claim(OPEN.id, actor="watchfloor"), now=AT)


def test_subject_and_machine_review_nothing():
    with pytest.raises(ActorNotAllowed):
        transition(OPEN, claim(OPEN.id, actor="subject"), now=AT)
    by_a_person = OPEN.model_copy(update={"decider": "ines"})
    with pytest.raises(ActorNotAllowed):
        transition(by_a_person, claim(OPEN.id, actor="watchfloor"), now=AT)


def test_only_the_reviewer_who_claimed_it_decides():
    with pytest.raises(NotTheReviewer) as caught:
        transition(CLAIMED, rule(OPEN.id, actor="omar"), now=AT)
    assert caught.value.reviewer == "ines"


@pytest.mark.parametrize(("appeal", "state"), [(UPHELD, "upheld"), (OVERTURNED, "overturned")])
def test_outcome_is_recorded_with_its_reason(appeal: Appeal, state: str):
    assert (appeal.state, appeal.reason, appeal.decided_at) == (state, "Fiction is allowed.", AT)
    assert not appeal.undecided


def test_open_and_claimed_appeals_are_undecided():
    assert OPEN.undecided
    assert CLAIMED.undecided
