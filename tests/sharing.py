"""Which tests of a run stay on one of its workers: what they share is expensive, or they would disturb each other."""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_TOGETHER = (
    "tests/api/test_outages.py",  # a Postgres of its own
    "tests/bench/",  # a house of everything
    "tests/cli/test_stack.py",  # a Postgres and a simulator
    "tests/console/",  # a browser, and a house of everything
    "tests/faults/",  # houses too; what they kill and time is not to be beside more of the same
)


class ByHouse(LoadScopeScheduling):  # type: ignore[misc]  # of a package without types
    """Gives a worker all tests of a place, wherever that is one of those above, and every other test by itself.

    By their ids and not by `xdist_group`: with pytest 9.2 those marks are without effect (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in _TOGETHER if nodeid.startswith(place)), nodeid)
