"""Settings are read from the environment, typed, and never shown when they are wrong."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from settings import ApiSettings, ConversationSettings, SealingSettings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("120", timedelta(minutes=2)),
        ("0.4", timedelta(seconds=0.4)),
        ("PT2M", timedelta(minutes=2)),
        ("0", timedelta()),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_iso_8601(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: timedelta
) -> None:
    monkeypatch.setenv("LINGER", written)
    assert ConversationSettings().linger == meant


@pytest.mark.parametrize("written", ["-1", "soon", "nan", "inf"])
def test_a_duration_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("LINGER", written)
    with pytest.raises(ValidationError):
        ConversationSettings()


def test_a_value_that_cannot_be_read_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "hush")
    with pytest.raises(ValidationError) as raised:
        ApiSettings()
    assert "port" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_a_key_ring_is_a_list_whose_values_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALING_KEYS", "a:one,b:two")
    keys = SealingSettings().keys
    assert [key.get_secret_value() for key in keys] == ["a:one", "b:two"]
    assert "one" not in repr(keys)
