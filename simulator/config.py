"""How a simulator is set up when it starts; everything that changes while it runs goes through its control API."""

from dataclasses import dataclass
from datetime import timedelta

from simulator.script import Script


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """What the stand-in for Meta knows of the app it serves, and how patient it is with the app's webhook."""

    app_secret: str
    """Signs webhooks and checks `appsecret_proof`: the same value as the app's."""
    app_id: str = "100000000000001"
    """The app's id at Meta."""
    portfolio_id: str = "900000000000001"
    """The portfolio that the app belongs to: PARTNER_* webhooks come under its id."""
    webhook_url: str = ""
    """Where webhooks go. Empty: they wait until the control API names an address."""
    require_proof: bool = False
    """Refuses calls without `appsecret_proof`, as Meta does with "Require App Secret" on; a wrong one always is."""
    webhook_connections: int = 64
    """Deliveries under way at once."""
    webhook_timeout: timedelta = timedelta(seconds=20)
    """Meta publishes none; 5 to 20 s are told."""
    retry_first: timedelta = timedelta(seconds=0.2)
    """Wait after the first answer that is not 200; doubled after each further one."""
    retry_longest: timedelta = timedelta(seconds=5)
    retry_for: timedelta = timedelta(days=7)
    """Meta's own patience."""
    seed: int = 0
    """Makes shuffles and faults by probability repeatable; a script brings its own."""
    script: Script | None = None
    """Played from the start on."""
