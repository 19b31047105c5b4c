"""A bucket that speaks S3, as far as files need it, and checks each request's signature as S3 does.

Google's buckets speak alike, but for the signature.
"""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

from tests.serving import serving

LEAST_PART = 5 * 1024 * 1024
"""S3 takes no smaller part of a file but the last."""
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, SignedHeaders=(.+), Signature=(.+)"
)


@dataclass
class Bucket:
    """What lies in it, whole, and what was begun."""

    name: str
    key_id: str
    secret: str
    region: str
    signed: bool = True
    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    begun: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """The parts of uploads that are neither complete nor given up."""
    ranges: list[str] = field(default_factory=list)
    parts: int = 0

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        body = await request.body()
        if self.signed and not self._is_signed(request, body):
            return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403)
        bucket, _, key = request.url.path.removeprefix("/").partition("/")
        if bucket != self.name:
            return Response("<Error><Code>NoSuchBucket</Code></Error>", 404)
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        match request.method:
            case "GET":
                return self._read(key, request.headers.get("range"))
            case "PUT" if "partNumber" in query:
                self.parts += 1
                self.begun[query["uploadId"]][int(query["partNumber"])] = body
            case "PUT":
                self.objects[key] = body
            case "DELETE":
                del self.begun[query["uploadId"]]
                return Response(status_code=204)
            case "POST":
                return self._post(key, query, body.decode())
        return Response(headers={"ETag": '"0"'})

    def _post(self, key: str, query: dict[str, str], body: str) -> Response:
        if "delete" in query:
            names = re.findall("<Key>(.+?)</Key>", body)
            for name in names:
                self.objects.pop(name, None)
            deleted = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            return _xml(f"<DeleteResult>{deleted}</DeleteResult>")
        if "uploads" in query:
            self.begun["up-1"] = {}
            named = f"<Bucket>{self.name}</Bucket><Key>{key}</Key>"
            return _xml(
                f"<InitiateMultipartUploadResult>{named}<UploadId>up-1</UploadId></InitiateMultipartUploadResult>"
            )
        *before, last = (part for _, part in sorted(self.begun.pop(query["uploadId"]).items()))
        if any(len(part) < LEAST_PART for part in before):
            return Response("<Error><Code>EntityTooSmall</Code></Error>", 400)
        self.objects[key] = b"".join([*before, last])
        return _xml("<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>")

    def _read(self, key: str, wanted: str | None) -> Response:
        found = self.objects.get(key)
        if found is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404)
        headers = {"ETag": '"0"', "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}
        if wanted is None:
            return Response(found, headers=headers)
        self.ranges.append(wanted)
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        part = found[int(start) : int(end) + 1 if end else None]
        headers["Content-Range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(found)}"
        return Response(part, 206, headers=headers)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        found = _FORM.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            return False
        key_id, day, region, signed, signature = found.groups()
        digest = request.headers["x-amz-content-sha256"]
        if (key_id, region, digest) != (self.key_id, self.region, hashlib.sha256(body).hexdigest()):
            return False
        query = sorted(parse_qsl(request.url.query, keep_blank_values=True))
        words = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        headers = "".join(f"{name}:{request.headers[name]}\n" for name in signed.split(";"))
        asked = "\n".join([request.method, quote(request.url.path), words, headers, signed, digest])
        scope = f"{day}/{region}/s3/aws4_request"
        hashed = hashlib.sha256(asked.encode()).hexdigest()
        said = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashed])
        key = f"AWS4{self.secret}".encode()
        for part in (*scope.split("/"), said):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(key.hex(), signature)


def _xml(document: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{document}', media_type="application/xml")


@asynccontextmanager
async def bucket(*, signed: bool = True) -> AsyncIterator[Bucket]:
    """A bucket at an address of its own."""
    made = Bucket("holdfast-files", "AKIAHOLDFAST", "a secret of ours", "eu-central-1", signed)
    app = FastAPI()
    app.add_route("/{path:path}", made.answer, methods=["GET", "PUT", "POST", "DELETE"])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    async with serving(server) as made.url:
        yield made
