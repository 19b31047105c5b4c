"""Connections to Temporal, and what may be said of one that did not carry a call."""

from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from pydantic import SecretStr
from temporalio.client import Client, RPCTimeoutOrCancelledError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError

RPC_TIMEOUT = timedelta(seconds=5)
"""Of one call, the SDK's own repetitions included, unless the caller knows better."""

TROUBLE = (RPCError, RPCTimeoutOrCancelledError, RuntimeError, OSError)
"""What a call raises that Temporal did not take; RuntimeError: a lazy client could not connect. TimeoutError is an
OSError."""


Limits = TypeVar("Limits")


class Address(Protocol):
    """Which Temporal to use; the settings' `TemporalSettings` is one."""

    @property
    def address(self) -> str:
        """Host and port."""

    @property
    def namespace(self) -> str:
        """Where our workflows live."""

    @property
    def api_key(self) -> SecretStr:
        """Temporal Cloud's; empty elsewhere."""

    @property
    def tls(self) -> bool:
        """Whether to speak TLS; an API key implies it."""


class LaterError(Exception):
    """The call was not taken: Temporal is away, overloaded, or the run is just ending. The mark stays."""


async def connect(where: Address, *, runtime: Runtime | None = None, lazy: bool = True) -> Client:
    """A client with our data converter.

    `lazy`: connected when it is first used, since Temporal may be away when a process starts. A worker needs one that
    is connected.

    Raises:
        RuntimeError: Temporal could not be reached; never when `lazy`.
    """
    api_key = where.api_key.get_secret_value()
    tls = where.tls or bool(api_key)
    return await Client.connect(
        where.address,
        namespace=where.namespace,
        api_key=api_key or None,
        tls=tls,
        data_converter=pydantic_data_converter,
        runtime=runtime,
        lazy=lazy,
        # Without TLS the server is near: packing what takes no time to travel costs processor on both sides.
        grpc_compression=GrpcCompression.GZIP if tls else GrpcCompression.NONE,
    )


class Starter(Generic[Limits]):
    """What whoever starts runs is made of.

    Args:
        client: see `connect`.
        limits: what each new run gets beside the id of what it is for.
        task_timeout: of workflow tasks: how long what a killed worker held stands still.
        rpc_timeout: of one call, the SDK's own repetitions included.
    """

    def __init__(
        self,
        client: Client,
        *,
        limits: Limits,
        task_timeout: timedelta = timedelta(seconds=4),
        rpc_timeout: timedelta = RPC_TIMEOUT,
    ) -> None:
        self._client = client
        self._limits = limits
        self._task_timeout = task_timeout
        self._rpc_timeout = rpc_timeout


def reason(error: Exception) -> str:
    """Why a call was not taken, in a word for the log."""
    return error.status.name.lower() if isinstance(error, RPCError) else type(error).__name__
