"""The processes of an installation, wired: what each role needs is built here from the settings and passed down."""

from settings import Settings


def run_simulator(settings: Settings, *, port: int | None, webhook_url: str) -> None:
    """Serve the stand-in for Meta until SIGTERM or SIGINT."""
    from simulator.app import serve
    from simulator.config import SimulatorConfig

    config = SimulatorConfig(
        app_secret=settings.meta.app_secret.get_secret_value(), webhook_url=webhook_url, require_proof=True
    )
    serve(config, port=port or settings.local.dev_simulator_port)
