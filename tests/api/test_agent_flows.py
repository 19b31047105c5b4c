"""Agent flows over HTTP."""

from uuid import UUID

from tests.api.edge import Tenant
from tests.api.linked import Linked
from tests.rows import row


async def test_agent_flows_are_made_and_listed(stage: Linked, shop: Tenant) -> None:
    made = await shop.client.post(
        "/api/v1/agent-flows", json={"name": "Orders", "kind": "http", "url": "https://agent.example.com/whatsapp"}
    )
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    listed = (await shop.client.get("/api/v1/agent-flows")).json()["items"]
    assert [flow["name"] for flow in listed] == ["Orders", "echo"]
    assert "secret" not in str(listed)
    assert listed[0] == made.json()["agent_flow"]
    assert (await row(stage.api.database, "agent_flows", UUID(listed[0]["id"]))).secret_sealed is not None
    for url in (None, "ftp://agent.example.com", "http://127.0.0.1/", "https://user:word@example.com/"):
        refused = await shop.client.post("/api/v1/agent-flows", json={"name": "Orders", "kind": "http", "url": url})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
