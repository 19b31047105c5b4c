"""The description of the API: every operation has examples, and each has the shape that the route promises."""

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from api import (
    agent_flows,
    challenge,
    consent_contracts,
    events,
    health,
    messages,
    onboarding_contracts,
    proactive,
    profile_contracts,
    template_contracts,
)
from api.app import create_app
from api.problems import MEDIA_TYPE, Problem
from api.rooms import ROOMS
from api.sending import BODIES, Sending, SendMessage
from api.sending_examples import EXAMPLES
from store.engine import Database
from tests.api.edge import Edge, settings_for
from whatsapp.messages import PARTS, validate_content

_NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
_OPENAPI: dict[str, Any] = create_app(settings_for(_NOWHERE), database=Database.connect(_NOWHERE)).openapi()
_PATHS: dict[str, Any] = _OPENAPI["paths"]
_SCHEMAS: dict[str, Any] = _OPENAPI["components"]["schemas"]
OPERATIONS = [(method, path) for path, methods in _PATHS.items() for method in methods]
ALL_ROUTES = [route for room in ROOMS for route in room.router.routes if isinstance(route, APIRoute)]
_PLAIN = {route.path for room in (challenge, health) for route in room.router.routes if isinstance(route, APIRoute)}
"""What answers for itself, without a model."""


def _models(module: ModuleType) -> list[type[BaseModel]]:
    found = [it for it in vars(module).values() if isinstance(it, type) and issubclass(it, BaseModel)]
    return [model for model in found if model is not BaseModel]


def _good(route: APIRoute) -> dict[str, Any]:
    content: dict[str, Any] = route.responses[route.status_code or 200]["content"]
    return content


ROUTES = [
    route
    for route in ALL_ROUTES
    if route.path not in _PLAIN and route.include_in_schema and "application/json" in _good(route)
]


def _contents(method: str, path: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, answer in _PATHS[path][method]["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            yield status, media_type, content


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_has_an_example_of_each_answer_and_says_what_it_does(method: str, path: str) -> None:
    operation = _PATHS[path][method]
    assert operation["description"]
    answers = list(_contents(method, path))
    assert {status for status, _, _ in answers} == set(operation["responses"])
    for status, media_type, content in answers:
        assert "example" in content, f"{status} has no example"
        if int(status) >= 400:
            assert media_type == MEDIA_TYPE
            problem = Problem.model_validate(content["example"])
            assert problem.status == int(status)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_the_example_of_an_answer_is_one_that_the_route_could_give(route: APIRoute) -> None:
    promised = TypeAdapter(get_type_hints(route.endpoint)["return"])
    example = _good(route)["application/json"]["example"]
    assert promised.dump_python(promised.validate_python(example), mode="json") == example


@pytest.mark.parametrize(
    "model",
    [
        *_models(onboarding_contracts),
        agent_flows.NewAgentFlow,
        events.NewEndpoint,
        events.ChangedEndpoint,
        messages.Deciding,
        template_contracts.MakeTemplate,
        template_contracts.ChangeTemplate,
        template_contracts.ReadTemplates,
        proactive.SendFirst,
        consent_contracts.TellConsent,
        consent_contracts.TellConsentOf,
        *_models(profile_contracts),
    ],
    ids=lambda it: it.__name__,
)
def test_the_example_of_what_connects_a_number_can_be_sent(model: type[BaseModel]) -> None:
    extra: Any = model.model_config["json_schema_extra"]
    (example,) = extra["examples"]
    assert model.model_validate(example)
    assert "EAA" not in str(example), "an example that looks like a token will be taken for one"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_message_can_be_sent(name: str) -> None:
    message = TypeAdapter[Sending](SendMessage).validate_python(EXAMPLES[name]["value"])
    assert message.target().wa_id == "31612345678"
    assert validate_content(message.draft().type, message.draft().content) == []


def test_a_body_of_each_kind_is_described_down_to_its_limits() -> None:
    body = _PATHS["/api/v1/whatsapp/send-message"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"].keys() == EXAMPLES.keys()
    assert body["schema"]["discriminator"]["mapping"].keys() == PARTS.keys() == BODIES.keys()
    assert [one["$ref"] for one in body["schema"]["oneOf"]] == [*body["schema"]["discriminator"]["mapping"].values()]
    assert set(re.findall(r"#/components/schemas/([^'\"]+)", str(_OPENAPI))) <= _SCHEMAS.keys()
    assert "type" not in _SCHEMAS["SendText"]["required"]
    assert _SCHEMAS["SendText"]["properties"]["text"]["properties"]["body"]["maxLength"] == 4096
    assert _SCHEMAS["SendImage"]["properties"]["image"]["properties"]["caption"]["maxLength"] == 1024
    assert len(_SCHEMAS["SendInteractive"]["properties"]["interactive"]["oneOf"]) == 6
    assert _SCHEMAS["ReplyButtons"]["properties"]["buttons"]["maxItems"] == 3
    assert _SCHEMAS["Reply"]["properties"]["title"]["maxLength"] == 20


def test_every_router_is_part_of_the_description() -> None:
    assert {route.path for route in ALL_ROUTES if route.include_in_schema} == set(_PATHS)


async def test_the_description_and_its_page_are_served(api: Edge) -> None:
    assert (await api.client.get("/openapi.json")).json()["paths"].keys() == _PATHS.keys()
    assert (await api.client.get("/docs")).status_code == 200
