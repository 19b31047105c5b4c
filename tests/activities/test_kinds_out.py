"""Each kind of message from the queue through the post office to the simulator, which judges by rules of its own."""

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from simulator.kinds_client import SentMessage
from store.engine import Database
from store.ids import new_id
from store.outbox import Draft, Target, queue_message
from store.tables import media, media_uploads, templates
from store.turn_plan import ROWS_PER_LOOK
from tests.activities.sending import SendHouse, send_house
from tests.outgoing import OUTGOING, Sent
from tests.rows import change, conversation, received, row

ADA = "491700000001"
_FILES = {
    "image": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "audio": ("audio/ogg", b"OggS"),
    "video": ("video/mp4", b"\x00\x00\x00\x18ftypmp42"),
    "document": ("application/pdf", b"%PDF-1.7"),
    "sticker": ("image/webp", b"RIFF\x1a\x00\x00\x00WEBPVP8 "),
}
_SLOTS = {"url": "URL", "quick_reply": "QUICK_REPLY", "copy_code": "COPY_CODE", "flow": "FLOW"}
_FORMATS = ("image", "video", "document", "location")


@dataclass(frozen=True)
class Line:
    """A customer who has written to a number with files and templates."""

    house: SendHouse
    conversation_id: UUID
    wamid: str
    meta_ids: Mapping[str, str]
    """Meta's ids of the number's files, by kind."""
    files: Mapping[str, UUID]

    def real(self, sent: Sent) -> Sent:
        """The message with files and a wamid that there are."""
        kind, content = sent
        return kind, {key: self._real(key, part) for key, part in copy.deepcopy(content).items()}

    def _real(self, key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._real(key, one) for one in value]
        if not isinstance(value, dict):
            return self.wamid if key == "message_id" else value
        made = {name: self._real(name, inner) for name, inner in value.items()}
        if key in _FILES and "id" in made:
            made["id"] = self.meta_ids[key]
        if key in _FILES and "media_id" in made:
            made["media_id"] = str(self.files[key])
        return made

    def posted(self, value: Any, *, key: str = "") -> Any:
        """What is posted of it: files of ours under Meta's ids."""
        if isinstance(value, list):
            return [self.posted(one, key=key) for one in value]
        if not isinstance(value, dict):
            return value
        made = {name: self.posted(inner, key=name) for name, inner in value.items()}
        if made.pop("media_id", None):
            made["id"] = self.meta_ids[key]
        return made

    async def send(self, *sent: Sent) -> list[UUID]:
        """Queue them and have what may leave leave."""
        target = Target(conversation_id=self.conversation_id)
        organization_id = self.house.number.organization_id
        ids = []
        for kind, content in sent:
            made = await queue_message(
                self.house.database, organization_id=organization_id, target=target, draft=Draft(kind, content)
            )
            ids.append(made.message_id)
            if len(ids) % ROWS_PER_LOOK == 0:
                await self.house.work()
        await self.house.work()
        return ids

    async def taken(self) -> list[SentMessage]:
        """What Meta has accepted."""
        return await self.house.checks.meta.client.sent(self.house.number.phone_number_id)


@asynccontextmanager
async def line(database: Database, *, bsuid: str | None = None) -> AsyncIterator[Line]:
    async with send_house(database) as house:
        meta, number = house.checks.meta, house.number
        conversation_id = await conversation(database, number, wa_id=ADA)
        if bsuid is not None:
            await meta.client.set_customer(number.phone_number_id, None, user_id=bsuid)
            await change(database, "UPDATE contact_identities SET kind = 'bsuid', value = :bsuid", bsuid=bsuid)
        said = {"body": "hello"}
        wamid = await meta.client.customer_sends(number.phone_number_id, bsuid or ADA, "text", said)
        message_id = await received(database, number, conversation_id)
        await change(
            database,
            "UPDATE messages SET wamid = :wamid, state = 'kept' WHERE id = :id",
            id=message_id,
            wamid=wamid,
        )
        meta_ids = {kind: await _upload(house, kind) for kind in _FILES}
        files = {kind: await _keep(house, kind, meta_id) for kind, meta_id in meta_ids.items()}
        await _make_templates(house)
        yield Line(house, conversation_id, wamid, meta_ids, files)


async def _upload(house: SendHouse, kind: str) -> str:
    mime_type, data = _FILES[kind]
    answer = await house.checks.meta.call(
        "POST",
        f"{house.number.phone_number_id}/media",
        token=house.number.token,
        data={"messaging_product": "whatsapp", "type": mime_type},
        files={"file": ("file", data, mime_type)},
    )
    return str(answer.json()["id"])


async def _keep(house: SendHouse, kind: str, meta_id: str) -> UUID:
    media_id, owner = new_id(), {"organization_id": house.number.organization_id}
    mime_type, data = _FILES[kind]
    kept = {"id": media_id, "direction": "out", "kind": kind, "state": "stored", "mime_type": mime_type}
    upload = {"media_id": media_id, "integration_id": house.number.integration_id, "meta_media_id": meta_id}
    now, later = text("now()"), text("now() + interval '29 days'")
    async with house.database.transaction() as connection:
        await connection.execute(insert(media).values(**kept, **owner, size=len(data), object_key="key"))
        await connection.execute(insert(media_uploads).values(**upload, **owner, uploaded_at=now, expires_at=later))
    return media_id


async def _make_templates(house: SendHouse) -> None:
    integration = await row(house.database, "integrations", house.number.integration_id)
    owner = {"organization_id": house.number.organization_id, "waba_row_id": integration.waba_row_id}
    state = {"category": "UTILITY", "status": "APPROVED"}
    async with house.database.transaction() as connection:
        for template in (content["template"] for kind, content in OUTGOING.values() if kind == "template"):
            names = {"name": template["name"], "language": template["language"]["code"]}
            named = "parameter_name" in str(template)
            form, components = "named" if named else "positional", _definition(template)
            made = {"parameter_format": form, "components": components}
            await connection.execute(insert(templates).values(id=new_id(), **owner, **state, **names, **made))
            await house.checks.meta.client.add_template(
                house.number.waba_id, **names, components=components, parameter_format=form.upper()
            )


def _definition(filled: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Components of a template that takes what fills this one."""
    made: list[dict[str, Any]] = []
    buttons = []
    for component in filled.get("components", []):
        parameters = component.get("parameters", [])
        slots = " ".join(f"{{{{{one.get('parameter_name', n + 1)}}}}}" for n, one in enumerate(parameters))
        match component["type"]:
            case "header" if parameters[0]["type"] in _FORMATS:
                made.append({"type": "HEADER", "format": parameters[0]["type"].upper()})
            case "header":
                made.append({"type": "HEADER", "format": "TEXT", "text": slots})
            case "body":
                made.append({"type": "BODY", "text": slots})
            case "button":
                kind = _SLOTS[component["sub_type"]]
                buttons.append({"type": kind} | ({"url": "https://example.com/{{1}}"} if kind == "URL" else {}))
            case "carousel":
                cards = [{"components": _definition(card)} for card in component["cards"]]
                made.append({"type": "CAROUSEL", "cards": cards})
    return made + ([{"type": "BUTTONS", "buttons": buttons}] if buttons else [])


async def test_each_kind_arrives_at_meta_as_it_was_given(database: Database) -> None:
    async with line(database) as customer:
        given = {name: customer.real(sent) for name, sent in OUTGOING.items()}
        ids = await customer.send(*given.values())
        rows = [await row(database, "messages", message_id) for message_id in ids]
        assert {name: (one.state, one.reason) for name, one in zip(given, rows, strict=True)} == dict.fromkeys(
            given, ("accepted", None)
        )
        taken = await customer.taken()
    assert [(one.type, one.content) for one in taken] == [
        (kind, customer.posted(content[kind], key=kind)) for kind, content in given.values()
    ]
    assert [one.payload.get("context") for one in taken] == [content.get("context") for _, content in given.values()]
    assert {one.outcome for one in taken} <= {"delivered", "pending"}
    assert {one.payload["to"] for one in taken} == {f"+{ADA}"}
    assert {one.hold for one in rows} == {None}


async def test_each_kind_goes_to_a_customer_who_is_known_by_a_user_id_only(database: Database) -> None:
    async with line(database, bsuid="NL.1349001122334455") as customer:
        given = [customer.real(sent) for sent in OUTGOING.values()]
        ids = await customer.send(*given)
        assert {(await row(database, "messages", message_id)).state for message_id in ids} == {"accepted"}
        taken = await customer.taken()
    assert {(one.payload.get("to"), one.payload["recipient"]) for one in taken} == {(None, "NL.1349001122334455")}
    assert [one.type for one in taken] == [kind for kind, _ in given]


async def test_a_one_time_password_does_not_go_to_a_user_id_and_the_message_says_why(database: Database) -> None:
    async with line(database, bsuid="NL.1349001122334455") as customer:
        number = customer.house.number
        code = [{"type": "text", "text": "123456"}]
        button = {"type": "button", "sub_type": "url", "index": "0", "parameters": code}
        filled = {"name": "our_code", "language": {"code": "en"}, "components": [{"type": "body", "parameters": code}]}
        components = [*_definition(filled), {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}]
        filled["components"] = [*filled["components"], button]
        await change(
            database,
            "INSERT INTO templates (id, organization_id, waba_row_id, name, language, category, status, "
            "parameter_format, components) SELECT gen_random_uuid(), organization_id, waba_row_id, 'our_code', 'en', "
            "'AUTHENTICATION', 'APPROVED', 'positional', CAST(:components AS jsonb) FROM integrations",
            components=json.dumps(components),
        )
        await customer.house.checks.meta.client.add_template(
            number.waba_id, "our_code", "en", components, category="AUTHENTICATION"
        )
        (message_id,) = await customer.send(("template", {"template": filled}))
        assert await customer.house.refused() == {"131062": 1}
    refused = await row(database, "messages", message_id)
    assert (refused.state, refused.error_code, refused.category) == ("failed", 131062, "authentication")
    assert refused.reason.startswith("This kind of message needs a phone number, not a user id.")


async def test_a_reaction_and_its_removal_name_their_message_and_are_kept_as_about_it(database: Database) -> None:
    async with line(database) as customer:
        given = [customer.real(OUTGOING[name]) for name in ("reaction", "reaction_removed")]
        ids = await customer.send(*given)
        taken = await customer.taken()
    assert [one.content for one in taken] == [
        {"message_id": customer.wamid, "emoji": "👍"},
        {"message_id": customer.wamid, "emoji": ""},
    ]
    assert [(await row(database, "messages", one)).about_wamid for one in ids] == [customer.wamid] * 2
