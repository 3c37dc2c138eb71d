"""The views: the latest of everything, by key and by time."""

from datetime import timedelta

from alert_facts import AT, SUBJECT, TENANT, decided
from hypothesis import given
from hypothesis import strategies as st

from alerts.appeal import Appeal
from alerts.decision import Lift
from alerts.enforcement import Enforcement, measured
from api.page import Place
from api.views import DecisionView, EnforcementView, Shelf

KEY = f"{TENANT}|{SUBJECT}"
_, DECISION = decided()


def enforcement(revision: int = 1, *, subject: str = SUBJECT, in_force: bool = True) -> Enforcement:
    return Enforcement(
        tenant=TENANT,
        subject=subject,
        measures=measured([DECISION]) if in_force else (),
        at=AT + timedelta(minutes=revision),
        revision=revision,
    )


def appeal(number: int, *, state: str = "open") -> Appeal:
    return Appeal.model_validate(
        {
            "id": f"app_{number}",
            "tenant": TENANT,
            "subject": SUBJECT,
            "decision_id": f"dec_{number}",
            "decider": "watchfloor",
            "state": state,
            "statement": "No.",
            "opened_at": AT + timedelta(minutes=number // 2),
            "due_at": AT,
        }
    )


def test_a_subject_nobody_decided_about_is_not_there() -> None:
    assert EnforcementView("e").get(TENANT, SUBJECT) is None


def test_the_latest_revision_is_what_counts() -> None:
    view = EnforcementView("e")
    for revision in (1, 3, 2):
        view.apply(KEY, enforcement(revision))
    found = view.get(TENANT, SUBJECT)
    assert found is not None
    assert found.revision == 3
    assert (len(view), view.hub.number) == (1, 2), "the repeated log made no change"


def test_a_tombstone_leaves_the_subject_allowed_and_is_a_change() -> None:
    view = EnforcementView("e")
    view.apply(KEY, None)
    assert view.hub.number == 0
    view.apply(KEY, enforcement())
    view.apply(KEY, None)
    found = view.get(TENANT, SUBJECT)
    assert found is not None
    assert found.standing(AT) == "allowed"
    assert view.hub.number == 2
    view.apply(KEY, None)
    assert view.hub.number == 2


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.integers(0, 60))
def test_what_changed_after_a_number_is_each_later_subject_once(order: list[str], number: int) -> None:
    view = EnforcementView("e")
    for revision, letter in enumerate(order, 1):
        subject = "k1." + letter * 26
        view.apply(f"{TENANT}|{subject}", enforcement(revision, subject=subject))
    changes = view.after(number)
    assert [change.number for change in changes] == sorted(change.number for change in changes)
    assert {change.value.subject[3] for change in changes} == set(order[number:])
    assert all(change.value == view.get(TENANT, change.value.subject) for change in changes)


@given(st.permutations(range(9)), st.integers(1, 4), st.integers(2, 3))
def test_pages_hold_every_fitting_thing_once_newest_first(order: list[int], limit: int, step: int) -> None:
    shelf: Shelf[Appeal] = Shelf()
    for number in order:
        shelf.apply(f"app_{number}", appeal(number))
    found: list[Appeal] = []
    before: Place | None = None
    while True:
        page = shelf.page(lambda one: int(one.id[4:]) % step == 0, before=before, limit=limit)
        found += page.items
        assert len(page.items) <= limit
        if page.next is None:
            break
        before = Place.read(page.next)
    expected = sorted((appeal(number) for number in range(0, 9, step)), key=lambda one: (one.opened_at, one.id))
    assert found == expected[::-1]


def test_a_shelf_replaces_and_removes() -> None:
    shelf: Shelf[Appeal] = Shelf()
    shelf.apply("app_1", appeal(1))
    shelf.apply("app_1", appeal(1, state="claimed"))
    assert [one.state for one in shelf] == ["claimed"]
    shelf.apply("app_1", None)
    shelf.apply("app_1", None)
    assert len(shelf) == 0
    assert shelf.get("app_1") is None


def test_decisions_kept_longest_give_way() -> None:
    view = DecisionView(size=2)
    for number in range(3):
        view.apply(DECISION.model_copy(update={"id": f"dec_{number}"}))
    assert len(view) == 2
    assert view.get("dec_0") is None
    assert view.get("dec_2") is not None


def test_a_lift_is_known_even_when_the_decision_is_not() -> None:
    view = DecisionView()
    lift = Lift(id="lift_1", decision_id="dec_1", at=AT, actor="ana", reason="wrong")
    view.apply(lift)
    assert view.lift_of("dec_1") == lift
    assert view.get("dec_1") is None
