"""The API's page works where nothing else can be reached."""

import re

from tests.api.edge import Edge


async def test_the_docs_page_loads_nothing_from_elsewhere(api: Edge) -> None:
    page = await api.client.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3
    for address in loaded:
        assert address.startswith("/docs/files/")
        assert (await api.client.get(address)).status_code == 200
