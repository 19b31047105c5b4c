import base64
from uuid import UUID

import pytest

from store.errors import SealingError, SettingsError
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing, new_key, sealed_with

OLD, NEW = f"2025:{new_key()}", f"2026:{new_key()}"
ROW = new_id()


def seal(ring: KeyRing, value: str = "EAAtoken", row: UUID = ROW) -> bytes:
    return ring.seal(value, table="integrations", column="access_token_sealed", row=row)


def unseal(ring: KeyRing, sealed: bytes, *, column: str = "access_token_sealed", row: UUID = ROW) -> str:
    return ring.open(sealed, table="integrations", column=column, row=row)


def test_what_was_sealed_opens_in_its_place() -> None:
    ring = KeyRing.parse([NEW])
    assert unseal(ring, seal(ring, "a token, äöü")) == "a token, äöü"


def test_the_same_value_is_never_sealed_alike_and_never_readable() -> None:
    ring = KeyRing.parse([NEW])
    first, second = seal(ring), seal(ring)
    assert first != second
    assert b"EAAtoken" not in first


def test_a_value_moved_to_another_row_or_column_does_not_open() -> None:
    ring = KeyRing.parse([NEW])
    sealed = seal(ring)
    with pytest.raises(SealingError):
        unseal(ring, sealed, row=new_id())
    with pytest.raises(SealingError):
        unseal(ring, sealed, column="pin_sealed")


def test_no_changed_bit_goes_unnoticed() -> None:
    ring = KeyRing.parse([NEW])
    sealed = seal(ring)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealingError):
            unseal(ring, bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 2, 40, 90])
def test_cut_off_bytes_are_a_sealing_error_and_nothing_else(length: int) -> None:
    ring = KeyRing.parse([NEW])
    with pytest.raises(SealingError):
        unseal(ring, seal(ring)[:length])


def test_a_new_key_in_front_seals_while_the_old_one_still_opens() -> None:
    before = KeyRing.parse([OLD])
    during = KeyRing.parse([NEW, OLD])
    sealed = seal(before)
    assert unseal(during, sealed) == "EAAtoken"
    assert sealed_with(seal(during)) == "2026"


def test_a_rewrapped_value_no_longer_needs_the_old_key() -> None:
    sealed = seal(KeyRing.parse([OLD]))
    rewrapped = KeyRing.parse([NEW, OLD]).rewrap(sealed, table="integrations", column="access_token_sealed", row=ROW)
    assert sealed_with(rewrapped) == "2026"
    assert unseal(KeyRing.parse([NEW]), rewrapped) == "EAAtoken"
    with pytest.raises(SealingError, match="2025 is not in the ring"):
        unseal(KeyRing.parse([NEW]), sealed)


@pytest.mark.parametrize(
    "entries", [[], ["nokey"], ["id:"], ["id:c2hvcnQ="], ["id:!!!"], [NEW, NEW], [":" + new_key()]]
)
def test_a_ring_that_cannot_be_read_is_refused_without_showing_it(entries: list[str]) -> None:
    with pytest.raises(SettingsError) as refusal:
        KeyRing.parse(entries)
    for entry in entries:
        assert entry.partition(":")[2] not in str(refusal.value) or not entry.partition(":")[2]


def test_keys_do_not_show_in_a_ring_that_is_printed() -> None:
    key = new_key()
    shown = repr(KeyRing.parse([f"a:{key}"])) + repr(KeyedHash.parse(key))
    assert key not in shown
    assert repr(base64.b64decode(key)) not in shown


def test_a_digest_depends_on_the_key_and_matches_only_its_value() -> None:
    one, other = KeyedHash.parse(new_key()), KeyedHash.parse(new_key())
    digest = one.digest("verify-me")
    assert one.matches("verify-me", digest)
    assert not one.matches("verify-you", digest)
    assert not other.matches("verify-me", digest)
