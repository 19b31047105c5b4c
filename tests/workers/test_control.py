from api.webhook import PATHS
from workers.control import CALLBACK_PATHS


def test_the_checks_know_every_path_that_a_webhook_may_arrive_at() -> None:
    assert set(CALLBACK_PATHS) == set(PATHS)
