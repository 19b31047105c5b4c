"""The app's secrets: the present one, and the one before while it is being replaced at Meta."""

from collections.abc import Callable, Sequence

Tell = Callable[[str, bool], None]
"""Told the name of a secret whose proof Meta refused, and whether another one was accepted."""


class AppSecrets:
    """What our calls are proven with. The one that Meta accepts is remembered as long as the process lives.

    Args:
        named: each secret with the name of its setting, the present one first; empty ones are none.
        tell: told of each refusal, for ops: see `Tell`.
    """

    def __init__(self, named: Sequence[tuple[str, str]], *, tell: Tell | None = None) -> None:
        self._named = [(name, secret) for name, secret in named if secret]
        self._tell = tell

    @classmethod
    def of(cls, secret: str) -> "AppSecrets":
        """One secret, or none if it is empty."""
        return cls([("META_APP_SECRET", secret)])

    def __repr__(self) -> str:
        """The names only."""
        return f"AppSecrets({[name for name, _ in self._named]})"

    @property
    def in_use(self) -> str:
        """The one to prove calls with; empty: calls are not proven."""
        return self._named[0][1] if self._named else ""

    @property
    def all(self) -> list[str]:
        """Every one of them."""
        return [secret for _, secret in self._named]

    def others(self, refused: str) -> list[str]:
        """What to try when the proof by this one was refused."""
        return [secret for secret in self.all if secret != refused]

    def works(self, secret: str, *, instead_of: str) -> None:
        """Meta accepted a proof by this one and not by the other: it is used from now on."""
        if self.in_use == instead_of != secret:
            self._named.sort(key=lambda named: named[1] != secret)
            self._say(instead_of, accepted=True)

    def none_works(self, refused: str) -> None:
        """Meta accepts none of them."""
        self._say(refused, accepted=False)

    def _say(self, refused: str, *, accepted: bool) -> None:
        name = next((name for name, secret in self._named if secret == refused), "META_APP_SECRET")
        if self._tell is not None:
            self._tell(name, accepted)
