"""Every row of Meta's table of errors, compared with ours: class, retry rule, what it means, how long the wait is."""

from datetime import timedelta

import pytest

from whatsapp.error_table import FEW
from whatsapp.errors import ErrorClass, Kind, Verdict, classify

CLASSES = {
    "A": ErrorClass.AUTH,
    "P": ErrorClass.PERMISSION,
    "T": ErrorClass.THROTTLE,
    "I": ErrorClass.INTEGRITY,
    "W": ErrorClass.WINDOW,
    "R": ErrorClass.RECIPIENT,
    "V": ErrorClass.PARAMETER,
    "M": ErrorClass.TEMPLATE,
    "D": ErrorClass.MEDIA,
    "G": ErrorClass.REGISTRATION,
    "S": ErrorClass.SERVER,
    "B": ErrorClass.BILLING,
}
KINDS: dict[str, Kind] = {"N": "permanent", "Y": "retry", "L": "retry", "?": "unknown", "1": "hold", "!": "hold"}
"""Meta's letters: N no, Y yes with back-off, L later, 1 once re-authorised. Of ours: `?` may have been sent, find out
first (8.4); `!` the number is stopped and its owner told."""

ROWS = """
0                                       A 1
190                                     A 1
102 104                                 A 1
3                                       P 1
10                                      P 1
200 201 210 250 299                     P 1
131005                                  P 1
1 2                                     S ?
33                                      V N
100                                     V N
4                                       T Y
17 32 341 613                           T Y
80007                                   T Y
130429                                  T Y
131056                                  T Y
131048                                  T L
131064                                  T L
133016                                  T N
368                                     I !
130497                                  I N
131031                                  I !
130472                                  R N
130403                                  R N
131021                                  R N
131026                                  R N
131030                                  R N
131037                                  G N
131042                                  B !
131044                                  B N
131045                                  G N
131047                                  W N
131049                                  T L
131050                                  R N
131051                                  V N
131052                                  D N
131053                                  D N
131055                                  V N
131057                                  S Y
131060                                  V N
131062                                  R N
131063                                  M N
131000                                  S ?
131008 131009                           V N
131016                                  S ?
132000                                  M N
132001                                  M N
132005 132007 132008 132012 132018      M N
132015                                  M N
132016                                  M N
132068                                  M N
132069                                  M L
133000                                  G N
133004                                  S ?
133005                                  G N
133006                                  G N
133008 133009                           G N
133010                                  G !
133015                                  G Y
136024                                  G N
134011                                  B N
134100                                  M N
134101                                  M Y
134102                                  S ?
135000                                  V N
137000                                  R N
139000 139001 139002 139003 139004      V N
139100 139101 139102 139200             V N
139103                                  S Y
138000 138006 138024                    V N
131204 131215                           V N
131208                                  T Y
147001 147002 147003 147004 147005      V N
141006                                  B N
141010                                  I N
2388019 2388039 2388040 2388047         M N
2388072 2388073 2388293 2388299         M N
2388012 2388091 2388093 2388103         G N
2494100                                 S Y
2593107 2593108 2593109                 G N
"""

MEANT = """
0 authenticate · 190 expired · 102 session · 104 missing · 3 permission · 10 permission · 299 permission
131005 denied · 1 unknown error · 2 overloaded · 33 deleted · 100 parameter · 4 app's limit · 17 Graph API
80007 account's limit · 130429 throughput · 131056 one customer · 131048 spam · 131064 category · 133016 10 times
368 policy · 130497 country · 131031 locked · 130472 experiment · 130403 blocked · 131021 same number
131026 not on WhatsApp · 131030 allow-list · 131037 display name · 131042 payment · 131044 calls · 131045 certificate
131047 24 hours · 131049 held a marketing message back · 131050 stopped marketing · 131051 type · 131052 100 MB
131053 uploaded · 131055 method · 131057 maintenance · 131060 not available · 131062 user id · 131063 switched off
131000 wrong at Meta · 131008 missing · 131009 not valid · 131016 unavailable · 132000 number of parameters
132001 no approved template · 132005 too long · 132007 policy · 132008 value · 132012 format · 132015 paused
132016 disabled · 132018 validate · 132068 blocked · 132069 throttled · 133000 deregistration · 133004 unavailable
133005 PIN is wrong · 133006 verified first · 133008 many wrong PINs · 133009 quickly · 133010 not registered
133015 deleted just now · 136024 verified already · 134011 terms · 134100 Only marketing · 134101 synchronised
134102 unavailable · 135000 parameters · 137000 identity · 139000 flow · 139101 block list · 139103 Blocking
139200 Direct Send · 138006 call · 131215 group · 131208 group · 147001 username · 141006 payment · 141010 verified
2388019 limit · 2388039 locked · 2388040 too long · 2388047 header · 2388072 body · 2388073 footer
2388293 too many variables · 2388299 beginning or end · 2388012 migrated · 2494100 maintenance
2593107 once · 2593108 24 hours · 2593109 history
"""
"""By Meta's titles: of each code something that no other code of its family means."""

HELPS = """
190 Reconnect · 10 access · 131005 access · 133010 Connect the number · 131042 payment method · 368 appeal
131031 appeal · 131047 approved template · 131050 no marketing · 131062 number · 131030 list · 130403 Unblock
133016 72 hours · 133000 Deregister · 133005 PIN · 133006 SMS or call · 133008 as Meta's detail says
131048 quality · 131049 24 hours · 132015 Wait until · 132016 new template · 139200 approved template
137000 Confirm · 134100 ordinary · 130429 by itself · 131056 by itself · 131000 found out first · 2 found out first
"""
"""What a person is told to do, or that nobody has to do anything."""

FIRST_WAITS = """
130429 1 s · 131056 1 s · 4 60 s · 80007 60 s · 17 60 s · 131057 60 s · 2494100 60 s · 133015 300 s · 134101 600 s
132069 3600 s · 131049 86400 s
"""
"""Where Meta says how long: 8.1 and 8.3 of the facts. Where it says hours, see the last test of these."""


def pairs(written: str) -> list[tuple[int, str]]:
    """Each code with what stands behind it."""
    found = [entry.split(maxsplit=1) for entry in written.replace("\n", " · ").split(" · ") if entry.strip()]
    return [(int(code), words) for code, words in found]


def rows() -> list[tuple[int, str, str]]:
    """Each code with its letters."""
    parsed = []
    for line in ROWS.strip().splitlines():
        *codes, error_class, retry = line.split()
        parsed += [(int(code), error_class, retry) for code in codes]
    return parsed


@pytest.mark.parametrize(("code", "error_class", "retry"), rows())
def test_each_row_has_metas_class_and_its_retry_rule(code: int, error_class: str, retry: str) -> None:
    verdict = classify(code)
    assert (verdict.error_class, verdict.kind) == (CLASSES[error_class], KINDS[retry])
    assert (verdict.hold == "stopped") is (retry == "!")
    assert verdict.hold in {"1": ("token", "permission"), "!": ("stopped",)}.get(retry, (None,))


@pytest.mark.parametrize(("code", "error_class", "retry"), rows())
def test_a_failed_status_means_the_same_but_for_what_it_makes_certain(code: int, error_class: str, retry: str) -> None:
    answered, told = classify(code), classify(code, certain=True)
    assert told.error_class is CLASSES[error_class]
    assert told.meaning == answered.meaning
    if retry == "?":
        assert (told.kind, told.most_attempts) == ("retry", FEW)
    else:
        assert told == answered


def test_each_code_means_what_its_title_says() -> None:
    meant = {code: classify(code).meaning for code, _ in pairs(MEANT)}
    assert {code: words for code, words in pairs(MEANT) if words not in meant[code]} == {}
    # Of a family one stands for all; every other row has a meaning here.
    families = (*range(200, 300), *range(147001, 147006), *range(139000, 139005), 32, 341, 613, 139100, 139102, 138000)
    alike = {*families, 138024, 131204, 2388091, 2388093, 2388103}
    assert {code for code, _, _ in rows()} - meant.keys() <= alike


def test_each_next_step_is_the_one_that_helps() -> None:
    assert {code: words for code, words in pairs(HELPS) if words not in classify(code).next_step} == {}


def test_a_dead_token_is_told_by_its_subcode() -> None:
    ends = {458: "removed", 460: "password", 463: "expired", 464: "not confirmed", 467: "no longer valid"}
    assert {code: words for code, words in ends.items() if words not in classify(190, subcode=code).meaning} == {}


def test_the_first_wait_is_the_one_that_meta_names() -> None:
    for code, seconds in pairs(FIRST_WAITS):
        assert classify(code).delay(1) == timedelta(seconds=int(seconds.removesuffix(" s"))), code
    for code in (131048, 131064):  # "hours"
        assert classify(code).delay(1) >= timedelta(hours=1)


@pytest.mark.parametrize(
    ("code", "effect"),
    [
        (130429, "slow_number"),
        (131056, "slow_pair"),
        (131047, "close_window"),
        (131050, "opt_out"),
        (131048, "warn_owner"),
        (131026, None),
        (80007, None),
    ],
)
def test_what_an_error_tells_beyond_its_message_stands_in_the_table(code: int, effect: str | None) -> None:
    assert classify(code).effect == effect


@pytest.mark.parametrize("code", [987654, 131999, -1])
@pytest.mark.parametrize(("http_status", "is_transient"), [(500, False), (503, False), (400, True), (None, True)])
def test_an_unknown_code_that_meta_calls_its_own_is_an_unknown_outcome(
    code: int,
    http_status: int | None,
    is_transient: bool,  # noqa: FBT001 - a row
) -> None:
    verdict = classify(code, http_status=http_status, is_transient=is_transient)
    assert (verdict.kind, verdict.error_class) == ("unknown", ErrorClass.SERVER)


@pytest.mark.parametrize("code", [987654, 131999])
@pytest.mark.parametrize("http_status", [400, 401, 403, 404, 429, None])
def test_any_other_unknown_code_fails_at_once(code: int, http_status: int | None) -> None:
    assert _stands(classify(code, http_status=http_status)) == ("permanent", None)
    assert _stands(classify(code, certain=True)) == ("permanent", None)


def _stands(verdict: Verdict) -> tuple[str, str | None]:
    return verdict.kind, verdict.hold
