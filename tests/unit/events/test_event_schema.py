import json

from events import FilterVerdict
from events.schema import CONTRACTS, schemas


def test_every_contract_has_a_schema_under_its_name() -> None:
    assert list(schemas()) == ["RequestLog", "FilterVerdict", "UserFeedback", "ProviderNotice", "Envelope"]


def test_every_field_of_every_contract_is_described() -> None:
    for model in CONTRACTS:
        properties = schemas()[model.__name__]["properties"]
        assert properties.keys() == model.model_fields.keys()
        assert all(field.get("description") or "$ref" in field for field in properties.values())


def test_required_fields_are_required() -> None:
    required = {name for name, field in FilterVerdict.model_fields.items() if field.is_required()}
    assert set(schemas()["FilterVerdict"]["required"]) == required


def test_schemas_are_plain_json_of_a_named_dialect() -> None:
    for schema in json.loads(json.dumps(schemas())).values():
        assert schema["$schema"].endswith("2020-12/schema")
