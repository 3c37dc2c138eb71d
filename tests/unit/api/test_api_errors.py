"""The table of errors, and how errors are told."""

import inspect

import pytest

from api import errors
from api.errors import (
    ANSWERS,
    ApiError,
    BrokerUnavailable,
    Invalid,
    Refused,
    TokenFileRefused,
    Unauthenticated,
    answer_to,
)
from api.problem import problem_of, refusals, response_to

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ApiError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (ApiError, TokenFileRefused)])
def test_every_error_has_a_row_of_its_own(kind: type[ApiError]) -> None:
    assert answer_to(kind).error is kind


def test_no_row_hides_a_later_one() -> None:
    for index, row in enumerate(ANSWERS):
        assert not any(issubclass(row.error, earlier.error) for earlier in ANSWERS[:index])


def test_an_error_that_nobody_listed_is_an_internal_one() -> None:
    class Novel(ApiError):
        """New."""

    assert (answer_to(Novel()).status, answer_to(Novel()).code) == (500, "internal")


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in KINDS)


def test_unauthenticated_says_how_to_authenticate_and_unavailable_when_to_come_back() -> None:
    assert response_to(Unauthenticated()).headers["www-authenticate"].startswith("Bearer")
    assert response_to(BrokerUnavailable()).headers["retry-after"] == "2"


def test_a_problem_names_field_and_detail_where_there_are_any() -> None:
    assert problem_of(Invalid(field="at", detail={"reason": "missing"})).model_dump() == {
        "code": "invalid",
        "message": "A field is missing or does not fit.",
        "field": "at",
        "detail": {"reason": "missing"},
    }


def test_a_refusal_speaks_with_the_writers_code_and_words() -> None:
    problem = problem_of(Refused("appeal_not_open", "appeal app_1 is claimed, not open"))
    assert (problem.code, problem.message) == ("appeal_not_open", "appeal app_1 is claimed, not open")


def test_documented_refusals_of_one_status_share_it_with_an_example_each() -> None:
    found = refusals(errors.WrongScope, errors.OtherTenant, errors.Unknown)
    assert set(found) == {403, 404}
    assert set(found[403]["content"]["application/json"]["examples"]) == {"wrong_scope", "other_tenant"}
