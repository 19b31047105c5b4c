"""Every setting of Holdfast: typed, grouped by what it is about, read once by `main()` and passed down.

A setting's environment name is its group's prefix and its field's name in capitals: `MetaSettings.app_secret` is
`META_APP_SECRET`. `docs/settings.md` has a heading for each; a test compares the two.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _plain_number_as_seconds(value: object) -> object:
    """The environment gives strings, and pydantic reads a plain number only where it is one."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Seconds = Annotated[timedelta, BeforeValidator(_plain_number_as_seconds), Field(ge=timedelta(0))]
"""A duration: a number of seconds (`120`, `0.4`) or ISO 8601 (`PT2M`)."""


def _group(prefix: str = "") -> SettingsConfigDict:
    return SettingsConfigDict(
        env_prefix=prefix,
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )


class MetaSettings(BaseSettings):
    """Our app at Meta and how to reach the Graph API."""

    model_config = _group("META_")

    app_id: str = ""
    app_secret: SecretStr = SecretStr("")
    """Signs webhooks and proves our calls. The API refuses to start without it."""
    app_secret_previous: SecretStr = SecretStr("")
    """Still accepted on webhooks, and tried for what we send, while the secret is being rotated; empty otherwise."""
    verify_token: SecretStr = SecretStr("")
    """The app's own webhook verify token, as entered in Meta's dashboard."""
    config_id: str = ""
    """The Facebook Login for Business configuration that Embedded Signup uses: permissions, assets, token expiry."""
    sdk_url: str = "https://connect.facebook.net/en_US/sdk.js"
    """Facebook's JavaScript SDK, which the connect page loads."""
    dialog_url: str = "https://www.facebook.com"
    """Where the login dialog of redirect OAuth is."""
    callback_override_url: str = ""
    """Where Meta is to send the webhooks of each number instead of the app's own URL; empty: no override."""
    graph_url: str = "https://graph.facebook.com"
    graph_version: str = "v26.0"
    graph_deadline: Seconds = timedelta(seconds=12)
    """One deadline for a whole call, from connect to the last byte."""
    graph_connections: int = 400
    """Connections to Graph that one worker keeps open at most."""
    graph_connections_per_number: int = 200
    """How many messages of one number a worker has at Meta at once: while Meta answers slowly for one, others find
    connections."""


class DatabaseSettings(BaseSettings):
    """Postgres, the record."""

    model_config = _group("DATABASE_")

    url: SecretStr = SecretStr("postgresql+asyncpg://holdfast@127.0.0.1:5432/holdfast")
    pool_size: int = 20
    """Connections that one process opens at most, each when it is first needed, and keeps."""


class SealingSettings(BaseSettings):
    """Keys for what must not be readable in the database."""

    model_config = _group("SEALING_")

    keys: Annotated[list[SecretStr], NoDecode] = Field(default_factory=list)
    """The key ring, `id:base64` of 32 bytes each, separated by commas. The first one seals, all of them open."""
    hash_key: SecretStr = SecretStr("")
    """Base64 of 32 bytes: keys the hashes of API keys and verify tokens. Changing it makes all of them invalid."""

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class TemporalSettings(BaseSettings):
    """Temporal, which makes things happen."""

    model_config = _group("TEMPORAL_")

    address: str = "127.0.0.1:7233"
    namespace: str = "default"
    api_key: SecretStr = SecretStr("")
    """Temporal Cloud's API key; turns TLS on."""
    tls: bool = False
    workflow_task_timeout: Seconds = timedelta(seconds=4)
    sticky_timeout: Seconds = timedelta(seconds=2)
    """How long a task waits for the worker that has its run in its cache: how long an idle conversation of a killed
    worker stands still."""


class WorkerSettings(BaseSettings):
    """How much one worker process takes on."""

    model_config = _group("WORKER_")

    workflow_task_slots: int = 60
    cached_workflows: int = 2000
    local_activity_slots: int = 200
    activity_slots: int = 100
    sandbox: bool = False
    """Runs workflows in Temporal's sandbox, which checks determinism and costs a third of the worker's CPU
    (docs/decisions/0040). Tests always do."""
    metrics_port: int = 0
    """Port of the worker's own /metrics; 0 serves none."""
    metrics_host: str = "127.0.0.1"
    """Interface of the worker's own /metrics."""
    drain: Seconds = timedelta(seconds=12)
    """How long a stopping worker waits for posts that are under way."""


class ConversationSettings(BaseSettings):
    """The rules of conversations and of sending."""

    model_config = _group()

    unknown_wait: Seconds = timedelta(seconds=120)
    """How long a send whose outcome is unknown waits for a status before the evidence is judged."""
    sending_timeout: Seconds = timedelta(seconds=20)
    """A row that is `sending` for longer has lost its worker and becomes `unknown`."""
    bot_answer_stale_after: Seconds = timedelta(minutes=15)
    """A bot's answer that could not leave for this long ends `expired`."""
    inbound_stale_after: Seconds = timedelta(hours=1)
    """A message that could be answered only this long after it was written goes to a person, not to the bot; 0: never.
    Longer than Meta's first repeats take after a short outage of ours."""
    give_back_after: Seconds = timedelta(hours=24)
    """The bot is in charge again when nothing came from a person for this long; 0: only when somebody gives it back."""
    give_back_at_window_close: bool = True
    """The bot is in charge again when the 24-hour window closes in which a person took over."""
    linger: Seconds = timedelta(seconds=60)
    """How long a conversation's run stays after its last work when nothing is pending and the window is closed."""
    events_per_run: int = 100
    """A run continues as new past this many history events."""
    backstop: Seconds = timedelta(seconds=60)
    """This long after something should have happened in a conversation, Postgres asks for another look by itself."""
    max_bot_turns: int = 20
    """More bot turns than this with one contact within `bot_turns_within`: another bot, a person takes over."""
    bot_turns_within: Seconds = timedelta(minutes=10)


class OnboardingSettings(BaseSettings):
    """How long an onboarding waits for whom."""

    model_config = _group("ONBOARDING_")

    patience: Seconds = timedelta(days=7)
    """How long an onboarding waits for a person (a PIN, a choice, a repair) before it is given up."""
    code_life: Seconds = timedelta(seconds=30)
    """Meta's codes live this long; an older one is not asked for."""
    first_retry: Seconds = timedelta(seconds=1)
    """Before a step is repeated that Meta refused for the moment; doubled up to 30 s."""


class CheckSettings(BaseSettings):
    """How often each number is compared with what Meta says of it."""

    model_config = _group("CHECK_")

    every: Seconds = timedelta(hours=24)
    every_stopped: Seconds = timedelta(minutes=15)
    """While a number is held or stopped."""


class EventSettings(BaseSettings):
    """Events for the business's own software."""

    model_config = _group("EVENTS_")

    private_addresses: bool = False
    """Lets event endpoints live at private and loopback addresses; for development only."""
    timeout: Seconds = timedelta(seconds=15)
    """For one delivery, from connect to the status line."""
    patience: Seconds = timedelta(days=1)
    """How long one event is offered to an endpoint before the endpoint is switched off."""


class ConsoleSettings(BaseSettings):
    """The pages for people."""

    model_config = _group("CONSOLE_")

    public_url: str = "http://127.0.0.1:8080"
    """Where browsers and Meta find this API: redirect URIs and links are built on it. Cookies are Secure when https."""
    dashboard_url: str = ""
    """Where redirect OAuth ends, with `whatsapp_connected=true` or `whatsapp_error=<code>`; empty: the console."""
    session_life: Seconds = timedelta(hours=12)
    """A session ends this long after it was last used."""
    sign_in_attempts: int = 10
    """Failed attempts to sign in, per address and per account, within `sign_in_window`."""
    sign_in_window: Seconds = timedelta(minutes=15)


class AgentSettings(BaseSettings):
    """The business's own agents that we ask over HTTP."""

    model_config = _group("AGENT_")

    private_addresses: bool = False
    """Lets agents live at private and loopback addresses; for development only."""
    timeout: Seconds = timedelta(seconds=30)
    attempts: int = 5
    total_timeout: Seconds = timedelta(minutes=10)


class ApiSettings(BaseSettings):
    """The HTTP edge."""

    model_config = _group("API_")

    host: str = "127.0.0.1"
    port: int = 8080
    webhook_max_bytes: int = 3 * 1024 * 1024
    webhook_commit_timeout: Seconds = timedelta(seconds=1.5)
    """A webhook that is not on disk by then is answered 503; Meta sends it again."""
    webhook_queued_bytes: int = 64 * 1024 * 1024
    """Webhooks that may wait in memory for their commit; what comes beyond is answered 503 at once."""
    webhook_refusals_per_minute: int = 60
    """Unsigned and wrongly signed POSTs that one address may make in a minute; a correctly signed one always passes."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose X-Forwarded-For is believed, separated by commas; `*` believes everybody's."""


class IntakeSettings(BaseSettings):
    """The loop that reads stored webhooks and wakes conversations."""

    model_config = _group()

    intake: Literal["embedded", "separate", "off"] = "embedded"
    """`embedded` runs it inside the API process, `separate` leaves it to `holdfast intake`; `off`: nobody runs it."""
    intake_batch: int = 100
    """Stored bodies claimed at once."""
    intake_metrics_port: int = 0
    """Port of /metrics of an intake that is a process of its own; 0 serves none."""
    intake_metrics_host: str = "127.0.0.1"
    """Interface of that /metrics."""
    nudge_batch: int = 64
    nudge_ahead: int = 32
    """Conversations of one number that are nudged and not yet looked at, at most: those of other numbers go before the
    rest. More for a number that is to send hundreds a second."""
    nudge_timeout: Seconds = timedelta(seconds=5)
    nudge_repeat: Seconds = timedelta(seconds=10)
    """A due conversation that was nudged and began no turn is nudged again after this."""
    nudge_quiet: Seconds = timedelta(seconds=2)
    """A conversation nudged this recently that has not begun a turn since is not nudged for a new mark."""


class MediaSettings(BaseSettings):
    """The files that messages carry."""

    model_config = _group("MEDIA_")

    url: str = ".data/media"
    """Where they are kept, for the API and the workers alike: a folder, or `s3://bucket/prefix`, `gs://…`, `az://…`."""
    hosts: str = "fbsbx.com,fbcdn.net,facebook.com,whatsapp.net"
    """Meta's hosts that files are fetched from, their subdomains included, by https only, separated by commas. No other
    is asked, and none else is shown the token; Graph's own address (META_GRAPH_URL) is always one of them."""
    timeout: Seconds = timedelta(minutes=5)
    """For moving one file, either way; Meta's own address of a file lives that long."""
    moves: int = 10
    """Files that one worker moves at once; each takes up to 16 MB of its memory."""


class LogSettings(BaseSettings):
    """What the processes write."""

    model_config = _group("LOG_")

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class LocalSettings(BaseSettings):
    """What `make dev`, `make demo` and the tests need on one machine."""

    model_config = _group()

    temporal_cli: Path | None = None
    """A Temporal CLI to use instead of the one found or built."""
    data_dir: Path = Path(".data")
    dev_simulator_port: int = 8090
    dev_temporal_port: int = 7233
    dev_temporal_ui_port: int = 8233
    dev_postgres_port: int = 5433


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups. Build it with `load()`, once, in a `main()`."""

    meta: MetaSettings
    database: DatabaseSettings
    sealing: SealingSettings
    temporal: TemporalSettings
    worker: WorkerSettings
    conversation: ConversationSettings
    agent: AgentSettings
    onboarding: OnboardingSettings
    check: CheckSettings
    events: EventSettings
    console: ConsoleSettings
    api: ApiSettings
    intake: IntakeSettings
    media: MediaSettings
    log: LogSettings
    local: LocalSettings


def load() -> Settings:
    """Read the environment and `.env`.

    Raises:
        pydantic.ValidationError: a value cannot be read; it names the setting and never shows the value.
    """
    return Settings(
        meta=MetaSettings(),
        database=DatabaseSettings(),
        sealing=SealingSettings(),
        temporal=TemporalSettings(),
        worker=WorkerSettings(),
        conversation=ConversationSettings(),
        agent=AgentSettings(),
        onboarding=OnboardingSettings(),
        check=CheckSettings(),
        events=EventSettings(),
        console=ConsoleSettings(),
        api=ApiSettings(),
        intake=IntakeSettings(),
        media=MediaSettings(),
        log=LogSettings(),
        local=LocalSettings(),
    )
