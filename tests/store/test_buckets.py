"""Files in a bucket, opened as docs/operations.md says: by MEDIA_URL and the vendor's own environment."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

from settings import MediaSettings
from store.errors import FileMissingError, FilesUnavailableError
from store.objects import PART, ObjectStore, key_of
from tests.buckets import Bucket, bucket
from tests.files import pieces
from tests.serving import serving

KEY = key_of(uuid4(), uuid4())
LARGE = bytes(range(256)) * 4096 * 12
"""Twelve megabytes: three parts."""
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


async def read(objects: ObjectStore, **part: int) -> bytes:
    return b"".join([chunk async for chunk in await objects.get(KEY, **part)])


def opened(monkeypatch: pytest.MonkeyPatch, url: str, **environment: str) -> ObjectStore:
    """The store of a process with this environment, all of which the page of operations names."""
    page = OPERATIONS.read_text()
    for name, value in environment.items():
        assert f"`{name}" in page, name
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MEDIA_URL", url)
    return ObjectStore.open(MediaSettings().url)


def at_s3(monkeypatch: pytest.MonkeyPatch, made: Bucket, **other: str) -> ObjectStore:
    environment = {
        "AWS_ACCESS_KEY_ID": made.key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret,
        "AWS_REGION": made.region,
        "AWS_ENDPOINT": made.url,
        "AWS_ALLOW_HTTP": "true",
    }
    return opened(monkeypatch, other.pop("url", f"s3://{made.name}/files"), **environment | other)


@pytest.fixture
async def s3() -> AsyncIterator[Bucket]:
    async with bucket() as made:
        yield made


async def test_a_file_is_kept_read_in_parts_and_deleted_in_a_bucket(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = at_s3(monkeypatch, s3)
    await objects.put(KEY, pieces(b"small"))
    assert s3.objects == {f"files/{KEY}": b"small"}
    assert await read(objects) == b"small"
    await objects.put(KEY, pieces(LARGE))
    assert (s3.parts, s3.begun) == (1 + 3, {}), "in parts, of which none is left"
    assert s3.objects == {f"files/{KEY}": LARGE}
    assert await read(objects) == LARGE
    assert await read(objects, start=5_000_000, end=5_000_010) == LARGE[5_000_000:5_000_010]
    assert await read(objects, start=len(LARGE) - 3) == LARGE[-3:]
    assert s3.ranges == ["bytes=5000000-5000009", f"bytes={len(LARGE) - 3}-"], "no more was asked for than was wanted"
    await objects.delete(KEY)
    await objects.delete(KEY)
    assert s3.objects == {}
    with pytest.raises(FileMissingError):
        await objects.get(KEY)


async def test_a_write_that_breaks_off_leaves_neither_a_file_nor_an_upload_in_the_bucket(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = at_s3(monkeypatch, s3)
    await objects.put(KEY, pieces(b"the first"))
    with pytest.raises(ValueError, match="broken"):
        await objects.put(KEY, pieces(LARGE[: 2 * PART + 1], error=ValueError("broken")))
    assert s3.parts, "nothing was written: the test proves nothing"
    assert s3.begun == {}
    assert s3.objects == {f"files/{KEY}": b"the first"}


async def test_wrong_credentials_and_a_bucket_that_there_is_not_are_told_as_what_they_are(
    s3: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in ({"AWS_SECRET_ACCESS_KEY": "another"}, {"AWS_ACCESS_KEY_ID": "AKIAOTHER"}):
        objects = at_s3(monkeypatch, s3, **wrong)
        for doing in (
            objects.put(KEY, pieces(b"a")),
            objects.put(KEY, pieces(LARGE)),
            objects.get(KEY),
            objects.delete(KEY),
        ):
            with pytest.raises(FilesUnavailableError, match="does not let us in") as caught:
                await doing
            assert "MEDIA_URL" in caught.value.next_step
            assert "docs/operations.md" in caught.value.next_step
    nowhere = at_s3(monkeypatch, s3, url="s3://another-bucket/files")
    with pytest.raises(FilesUnavailableError, match="is not there"):
        await nowhere.put(KEY, pieces(b"a"))
    assert s3.objects == {}


async def test_a_file_goes_to_google_by_the_file_of_a_service_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    account_file = tmp_path / "account.json"
    account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    monkeypatch.setenv("GOOGLE_ALLOW_HTTP", "true")  # for this test alone: Google's own is https
    async with bucket(signed=False) as google:
        account_file.write_text(json.dumps(account | {"gcs_base_url": google.url}))
        objects = opened(monkeypatch, f"gs://{google.name}/files", GOOGLE_SERVICE_ACCOUNT=str(account_file))
        await objects.put(KEY, pieces(LARGE))
        assert google.objects == {f"files/{KEY}": LARGE}
        assert await read(objects, start=3, end=9) == LARGE[3:9]


async def test_a_file_goes_to_azure_by_the_accounts_name_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []

    async def take(request: Request) -> Response:
        requests.append(request)
        await request.body()
        return Response(headers={"ETag": '"0"'})

    app = FastAPI()
    app.add_route("/{path:path}", take, methods=["PUT"])
    async with serving(uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))) as url:
        environment = {
            "AZURE_STORAGE_ACCOUNT_NAME": "bakery",
            "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
            "AZURE_STORAGE_ENDPOINT": url,
            "AZURE_ALLOW_HTTP": "true",
        }
        await opened(monkeypatch, "az://container/files", **environment).put(KEY, pieces(b"a"))
    assert {put.url.path for put in requests} == {f"/container/files/{KEY}"}
    assert all(put.headers["authorization"].startswith("SharedKey bakery:") for put in requests)
    assert requests[-1].query_params["comp"] == "blocklist", "it was never made whole"
