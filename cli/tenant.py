"""An organization with one connected number, made for a local stack and known to its simulator."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from cli.people import made_up_password
from simulator.client import SimulatorClient
from store.engine import Database
from store.hashing import KeyedHash
from store.integrations import connect_number
from store.organizations import create_agent_flow, create_api_key, create_organization, organization_of_key
from store.passwords import Passwords
from store.people import create_person, person_with_email, set_password
from store.sealing import KeyRing

PHONE_NUMBER = "+15550001111"
PHONE_NUMBER_ID = "106540352242922"
WABA_ID = "102290129340398"
EMAIL = "owner@example.com"
ACCESS_TOKEN = "EAAlocaltoken0000000"  # noqa: S105 - the simulator's own


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a local stack's business is known by."""

    organization_id: str
    integration_id: str
    api_key: str
    email: str = EMAIL
    password: str = ""
    """Of the first person, who signs in to the console."""


@dataclass(frozen=True, slots=True)
class Business:
    """An organization that has no number yet."""

    organization_id: UUID
    agent_flow_id: UUID
    api_key: str


async def found(database: Database, environment: Mapping[str, str]) -> Business:
    """A new organization with an echo agent and an API key. `environment` is that of the stack's parts."""
    ring, hashing = _ring(environment), keyed_hash(environment)
    organization = await create_organization(database, "Local business")
    flow = await create_agent_flow(database, ring, organization_id=organization, name="Echo", kind="echo")
    api_key = await create_api_key(database, hashing, organization_id=organization, name="local")
    return Business(organization, flow, api_key)


async def create(database: Database, environment: Mapping[str, str], *, per_second: int = 80) -> Tenant:
    """A new organization with an echo agent, a connected number and an API key.

    `environment` is that of the stack's parts: its keys seal the token and hash the API key. `per_second` is the
    number's level at Meta.
    """
    business = await found(database, environment)
    integration = await connect_number(
        database,
        _ring(environment),
        keyed_hash(environment),
        organization_id=business.organization_id,
        agent_flow_id=business.agent_flow_id,
        waba_id=WABA_ID,
        phone_number=PHONE_NUMBER,
        phone_number_id=PHONE_NUMBER_ID,
        access_token=ACCESS_TOKEN,
        verify_token=environment["META_VERIFY_TOKEN"],
        per_second=per_second,
    )
    password = await _first_person(database, business.organization_id)
    return Tenant(str(business.organization_id), str(integration), business.api_key, password=password)


async def kept_in(file: Path, database: Database, environment: Mapping[str, str]) -> Tenant:
    """The tenant of an earlier run, if the database still knows it; else a new one, noted in the file."""
    if file.exists():
        tenant = Tenant(**json.loads(file.read_text()))
        if await organization_of_key(database, keyed_hash(environment), tenant.api_key):
            return tenant if tenant.password else _noted(file, await _with_a_person(database, tenant))
    return _noted(file, await create(database, environment))


def _noted(file: Path, tenant: Tenant) -> Tenant:
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(tenant)))
    return tenant


async def _with_a_person(database: Database, tenant: Tenant) -> Tenant:
    """One that was made before there was a console."""
    return replace(tenant, password=await _first_person(database, UUID(tenant.organization_id)))


async def _first_person(database: Database, organization_id: UUID) -> str:
    """An owner's account; its password, which is kept beside the stack's other secrets."""
    password, passwords = made_up_password(), Passwords()
    known = await person_with_email(database, EMAIL)
    if known is None:
        await create_person(
            database,
            passwords,
            organization_id=organization_id,
            email=EMAIL,
            name="Owner",
            password=password,
            role="owner",
        )
    else:
        await set_password(
            database, passwords, organization_id=known.organization_id, person_id=known.id, password=password
        )
    return password


async def introduce(simulator: SimulatorClient, **knobs: Any) -> None:
    """Let the simulator know the number (it forgets everything when it stops), with `simulator.numbers.Knobs`."""
    await simulator.add_number(PHONE_NUMBER_ID, WABA_ID, display_phone_number=PHONE_NUMBER, token=ACCESS_TOKEN, **knobs)


def _ring(environment: Mapping[str, str]) -> KeyRing:
    return KeyRing.parse(environment["SEALING_KEYS"].split(","))


def keyed_hash(environment: Mapping[str, str]) -> KeyedHash:
    """What a stack's API keys and verify tokens are hashed with."""
    return KeyedHash.parse(environment["SEALING_HASH_KEY"])
