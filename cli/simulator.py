"""The simulator's process: the stand-in for Meta, as the settings say."""

from settings import Settings
from simulator.app import serve
from simulator.config import SimulatorConfig
from simulator.script import Script


def run_simulator(settings: Settings, *, port: int | None, webhook_url: str, script: Script | None = None) -> None:
    """Serve the stand-in for Meta until SIGTERM or SIGINT, with a script of faults if there is one."""
    config = SimulatorConfig(
        app_secret=settings.meta.app_secret.get_secret_value(),
        app_id=settings.meta.app_id,
        webhook_url=webhook_url,
        require_proof=True,
        script=script,
    )
    serve(config, port=port or settings.local.dev_simulator_port)
