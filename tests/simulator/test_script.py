"""Scripts of faults: read, told what is wrong with them, and played."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.faults import FaultKind
from simulator.script_file import ScriptError, StepOrder, read_script
from tests.simulator.stage import CUSTOMER, NUMBER, Simulated, Webhook

_DOCS = Path(__file__).parents[2] / "docs"
_EXAMPLE = (_DOCS / "example-faults.yaml").read_text()


def test_a_script_is_read_into_steps_in_the_order_of_their_moments() -> None:
    script = read_script("seed: 3\nfaults:\n- {at: 2, kind: drop, for: 1}\n- {kind: refuse, code: 4}\n", name="script")
    assert script.seed == 3
    steps = list(script.steps)
    assert [(step.at, step.lasts, step.fault.kind) for step in steps] == [(0.0, None, "refuse"), (2.0, 1.0, "drop")]
    assert steps[0].fault.code == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("faults:\n- kind: drop\n  probabilty: 0.1\n", "line 3: probabilty: there is no such field. Did you mean prob"),
        ("faults:\n- kind: drop\n\n- kind: flood\n", "line 4: kind: input should be 'drop', 'cut'"),
        (
            "faults:\n- kind: drop\n  probability: 2\n",
            "line 3: probability: input should be less than or equal to 1, not",
        ),
        ("faults:\n- at: 3\n", "line 2: kind: it is missing. Add it."),
        ("faults:\n- kind: drop\n  at: -1\n", "line 3: at: input should be greater than or equal to 0, not -1"),
        ("faults:\n- kind: drop\n  for: 0\n", "line 3: for: input should be greater than 0"),
        (
            "faults:\n- kind: drop\n  recipient: 4915\n",
            'line 3: recipient: this must be text. Put it in quotes: "49',
        ),
        ("faults:\n- kind: batch\n", "line 2: call: send meets no fault of the kind batch, but drop, cut"),
        (
            "faults:\n- kind: withhold\n  call: webhook\n",
            "line 2: call: webhook meets no fault of the kind withhold",
        ),
        ("faults:\n- kind: slow\n", "line 2: seconds: a fault of the kind slow does nothing without them"),
        ("faults:\n- kind: drop\n  kind: cut\n", "line 3: kind: it stands here a second time. Keep one of the two."),
        ("faults:\n- kind: drop\nsed: 3\n", "line 3: sed: there is no such field. Did you mean seed?"),
        ("faults: []\n", "line 1: faults: list should have at least 1 item"),
        ("faults:\n\t- kind: drop\n", "line 2: this is not YAML: found character"),
        ("- kind: drop\n", "line 1: a script begins with `faults:`"),
        ("faults:\n- 3\n", "line 2: 0: input should be"),
        ("", "line 1: a script begins with `faults:`"),
        ("\x00", "line 1: this is not YAML"),
        ("[" * 9999, "line 1: this is nested far deeper than a script is"),
        ("faults: !!python/object:os.system {}\n", "line 1: this is not YAML: could not determine a constructor"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(text: str, told: str) -> None:
    with pytest.raises(ScriptError) as error:
        read_script(text, name="faults.yaml")
    assert str(error.value).startswith(f"faults.yaml, {told}")


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(ScriptError) as error:
        read_script("faults:\n- kind: drop\n  at: x\n- kind: dorp\nsed: 1\n", name="f")
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["f, line 3", "f, line 4", "f, line 5"]


async def test_faults_begin_and_end_at_their_moments(simulator: Simulated) -> None:
    await simulator.client.play("faults:\n- {at: 0.3, for: 0.4, kind: refuse, code: 4}\n")
    began, codes = time.perf_counter(), []
    while (now := time.perf_counter() - began) < 1.0:
        codes.append((now, (await simulator.send(to=f"+49155{int(now * 1e5):06}")).json().get("error", {}).get("code")))
        await asyncio.sleep(0.04)
    assert {code for at, code in codes if at < 0.2} == {None}
    assert {code for at, code in codes if 0.4 < at < 0.6} == {4}
    assert {code for at, code in codes if at > 0.85} == {None}
    playing = await simulator.client.playing()
    assert (playing.source, playing.playing) == ("file", False)
    assert playing.hits == {"refuse": sum(code == 4 for _, code in codes)}


async def test_a_script_is_stopped_with_its_faults_and_no_others(simulator: Simulated) -> None:
    other = await simulator.client.add_fault("slow", seconds=0.01)
    await simulator.client.play("faults:\n- {kind: drop, recipient: nobody}\n- {kind: cut, at: 60}\n")
    await asyncio.sleep(0.05)
    assert [fault["kind"] for fault in await simulator.client.faults()] == ["slow", "drop"]
    assert (await simulator.client.playing()).playing
    stopped = await simulator.client.stop_playing()
    assert not stopped.playing
    assert [fault["id"] for fault in await simulator.client.faults()] == [other]


async def test_ending_all_faults_ends_what_is_played_and_another_script_replaces_it(simulator: Simulated) -> None:
    await simulator.client.play("faults:\n- {kind: drop}\n- {kind: cut, at: 0.1}\n")
    await simulator.client.play("faults:\n- {kind: refuse, code: 4}\n")
    assert [fault["kind"] for fault in await simulator.client.faults()] == ["refuse"]
    await simulator.client.end_faults()
    await asyncio.sleep(0.15)
    assert await simulator.client.faults() == []
    assert not (await simulator.client.playing()).playing


async def test_a_script_that_says_none_is_refused_on_both_sides(simulator: Simulated) -> None:
    with pytest.raises(ScriptError, match="line 2"):
        await simulator.client.play("faults:\n- kind: dorp\n")
    answer = await simulator.graph.post("/_control/script", content=b"faults:\n- kind: dorp\n")
    assert answer.status_code == 422
    assert "script, line 2: kind" in answer.json()["detail"]
    assert (await simulator.client.playing()).source is None


async def test_the_documented_example_does_what_it_says(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, throughput=0, pair_limit=False)
    for customer in (CUSTOMER, "4915550001"):
        await simulator.client.customer_says(NUMBER, customer, "hi")
    await simulator.client.play(_EXAMPLE)
    codes: list[int | str | None] = []
    began = time.perf_counter()
    # A busy machine sends so seldom that the token dies late; it must live again for what follows.
    while time.perf_counter() - began < 2.5 or 190 not in codes or codes[-1] is not None:
        try:
            answer = await simulator.send(to=f"+{(CUSTOMER, '4915550001')[len(codes) % 2]}")
            codes.append(answer.json().get("error", {}).get("code"))
        except httpx.TransportError:
            codes.append("lost")
        await asyncio.sleep(0.01)
    files = await _downloads(simulator)
    hits = (await simulator.client.stop_playing()).hits
    assert await simulator.client.settle()
    assert files[0] == 404
    assert hits["expire"] == 1
    assert hits["cut"] == files.count("cut") > 0
    accepted = (await simulator.client.account(lists=True))["accepted_messages"]
    assert [message["answer"] for message in accepted].count("drop") == codes.count("lost") > 3
    assert hits["drop"] >= codes.count("lost")  # what is refused cannot be dropped too
    assert hits["refuse"] == codes.count(130429) == 3
    assert hits["late"] > 3
    assert hits["revoke"] == 1
    assert codes.count(190) > 1
    assert codes[-1] is None
    assert hits["webhook_batch"] > 3
    assert max(map(_told, webhook.bodies)) > 1


async def _downloads(simulator: Simulated) -> list[int | str]:
    """How it goes to ask for a file again and again."""
    await simulator.client.customer_sends_file(NUMBER, CUSTOMER, "image", b"a picture", "image/jpeg")
    media_id, answers = (await simulator.client.files())[0].media_id, list[int | str]()
    for _ in range(20):
        url = (await simulator.call("GET", media_id)).json()["url"]
        try:
            answers.append((await simulator.call("GET", url)).status_code)
        except httpx.TransportError:
            answers.append("cut")
    return answers


def _told(body: dict[str, Any]) -> int:
    """How many messages and statuses one body brings."""
    values = [change["value"] for entry in body["entry"] for change in entry["changes"]]
    return sum(len(value.get("messages", [])) + len(value.get("statuses", [])) for value in values)


def test_the_page_shows_the_example_and_explains_every_kind_and_field() -> None:
    page = (_DOCS / "simulator.md").read_text()
    assert f"```yaml\n{_EXAMPLE}```" in page
    explained = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.+?) \|", page, re.MULTILINE))))
    fields = {field.alias or name for name, field in StepOrder.model_fields.items()}
    assert set(FaultKind.__args__) | fields <= explained  # type: ignore[attr-defined]
