"""What the webhook is measured against: a FastAPI endpoint that only checks the HMAC and stores nothing."""

import os
import sys

from fastapi import FastAPI, Request, Response

from api.server import server
from whatsapp.signature import verify


def create_app(secret: bytes) -> FastAPI:
    """One route, no middleware of ours."""
    app = FastAPI()

    @app.post("/api/v1/webhooks/whatsapp")
    async def receive(request: Request) -> Response:
        body = await request.body()
        if not verify(body, request.headers.get("x-hub-signature-256"), [secret]):
            return Response(status_code=403)
        return Response()

    return app


if __name__ == "__main__":
    server(create_app(os.environ["META_APP_SECRET"].encode()), host="127.0.0.1", port=int(sys.argv[1])).run()
