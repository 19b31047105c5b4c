"""The doctor's look at Meta: whether our app is known there, and whether its webhooks come here."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from cli import doctor
from settings import Settings
from simulator.config import SimulatorConfig
from tests.api.edge import settings_for
from tests.simulator.stage import APP_ID, APP_SECRET, simulated

HERE = "https://holdfast.example"
NO_DATABASE = "postgresql+asyncpg://nobody@127.0.0.1:1/none"


def _settings(graph_url: str, *, secret: str = APP_SECRET, public_url: str = HERE, app_id: str = APP_ID) -> Settings:
    given = settings_for(NO_DATABASE)
    meta = {"graph_url": graph_url, "app_id": app_id, "app_secret": SecretStr(secret)}
    return replace(
        given,
        meta=given.meta.model_copy(update=meta),
        console=given.console.model_copy(update={"public_url": public_url}),
    )


async def test_the_doctor_asks_meta_whether_it_knows_our_app_and_sends_its_webhooks_here() -> None:
    config = SimulatorConfig(app_secret=APP_SECRET, webhook_url=f"{HERE}/api/v1/webhooks/whatsapp")
    async with simulated(config) as meta:
        graph = str(meta.graph.base_url)
        assert f"app {APP_ID} is known there" in await doctor._meta(_settings(graph))
        assert "META_APP_ID is empty" in await doctor._meta(_settings(graph, app_id=""))
        with pytest.raises(doctor.UnwellError, match="does not accept META_APP_ID and META_APP_SECRET together"):
            await doctor._meta(_settings(graph, secret="another app's"))
        with pytest.raises(doctor.UnwellError, match="callback URL https://elsewhere"):
            await doctor._meta(_settings(graph, public_url="https://elsewhere.example"))
        await meta.client.set_app(fields=["account_update"])
        with pytest.raises(doctor.UnwellError, match="does not get these webhook fields: messages"):
            await doctor._meta(_settings(graph))
    with pytest.raises(doctor.UnwellError, match="does not answer"):
        await doctor._meta(_settings(graph))
