"""Every row of Meta's table of errors (section 8.3 of the facts), compared with ours: class and retry rule."""

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
