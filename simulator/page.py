"""The simulator's one page: what it is, its numbers and conversations, and a form to write as a customer."""

from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse

from simulator.customers import Conversation
from simulator.world import World

_SHOWN = 50
_STYLE = "body{font:16px/1.5 system-ui;max-width:56rem;margin:2rem auto;padding:0 1rem}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}"  # noqa: E501


def page_routes(world: World) -> APIRouter:
    """The page and its form."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(_page(world))

    @router.post("/say")
    async def say(request: Request) -> RedirectResponse:
        fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        number = world.numbers.get(fields.get("number", ""))
        wa_id, text = fields.get("wa_id", "").removeprefix("+"), fields.get("text", "")
        if number is None or not wa_id.isdigit() or not text:
            raise HTTPException(422, "a number, the customer's phone number and a text are needed")
        world.say(number, world.customers.of(number, wa_id=wa_id), type="text", content={"body": text})
        return RedirectResponse("/", 303)

    return router


def _page(world: World) -> str:
    now = world.clock.now()
    numbers = "".join(
        f"<tr><td>+{escape(n.display_phone_number)}<td>{escape(n.phone_number_id)}<td>{escape(n.waba_id)}"
        for n in world.numbers.values()
    )
    options = "".join(
        f'<option value="{escape(n.phone_number_id)}">+{escape(n.display_phone_number)}' for n in world.numbers.values()
    )
    latest = reversed(world.customers.conversations[-_SHOWN:])
    conversations = "".join(_conversation(conversation, now) for conversation in latest)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulator</title><style>{_STYLE}</style>
<h1>A stand-in for Meta</h1>
<p>It answers Graph's calls, plays the customers and sends signed webhooks to
<code>{escape(world.deliveries.config.webhook_url or "nowhere yet")}</code>. It keeps everything in memory: a restart
forgets it all. Its <a href="/docs">control API</a> moves its clock, injects faults and tells
<a href="/_control/account">what was received</a>.</p>
<h2>Write as a customer</h2>
<form method="post" action="/say"><select name="number" aria-label="To">{options}</select>
<input name="wa_id" aria-label="From" value="4915550000001" size="15">
<input name="text" aria-label="Text" placeholder="What the customer says" size="40" required>
<button>Send</button></form>
<h2>Numbers</h2><table><tr><th>Number<th>Phone number id<th>WABA{numbers}</table>
<h2>Conversations</h2><p>The latest {_SHOWN}, newest first.</p>{conversations}</html>"""


def _conversation(conversation: Conversation, now: float) -> str:
    lines = [(said.said_at, "customer", said.type, said.content) for said in conversation.said[-_SHOWN:]]
    lines += [(reply.received_at, "business", reply.type, reply.content) for reply in conversation.replies[-_SHOWN:]]
    rows = "".join(
        f"<tr><td>{author}<td>{escape(str(content['body'] if kind == 'text' and 'body' in content else kind))}"
        for _, author, kind, content in sorted(lines, key=lambda line: line[0])
    )
    window = "window open" if conversation.window_is_open(now) else "window closed"
    return f"<h3>{escape(conversation.name)}, {escape(conversation.customer)}: {window}</h3><table>{rows}</table>"
