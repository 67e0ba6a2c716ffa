import math

import pytest

from batchmark.report.language import messages


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"), (1, "1"), (1234.5, "1,230"), (12.345, "12.3"), (0.012345, "0.0123"),
        (0.5, "0.5"), (-2.5, "−2.5"), (999.9, "1,000"), (1e-7, "0.0000001"), (1e6, "1,000,000"),
        (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "n/a"), (100.0, "100"),
        (100 * 0.01905, "1.91"), (1.905, "1.91"),
    ],
)  # fmt: skip
def test_three_significant_digits(value: float, written: str) -> None:
    assert messages.significant(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0123, "12.3 ms"), (0.5, "0.5 s"), (38.04, "38 s"), (150, "2.5 min"), (7200, "2 h")],
)
def test_durations_choose_their_unit(value: float, written: str) -> None:
    assert messages.seconds(value) == written.replace(" ", messages.SPACE)


def test_intervals_have_two_digits_and_may_be_open() -> None:
    assert messages.interval(4.321, 5.678) == "4.3–5.7"
    assert messages.interval(4.321, math.inf) == "4.3–∞"
    assert messages.interval(math.nan, 1) == ""
    assert messages.interval(-1, -0.99) == "−1 … −0.99"


@pytest.mark.parametrize(
    ("count", "written"),
    [(1, "1"), (256, "256"), (1000, "1k"), (1024, "1024"), (1500, "1.5k"), (50000, "50k")],
)
def test_batch_sizes_as_ticks(count: int, written: str) -> None:
    assert messages.size(count) == written


def test_ticks_are_powers_of_ten_only_where_plain_is_long() -> None:
    assert [messages.power(tick) for tick in (1e-5, 3e-4, 0.01, 1, 200, 1e6)] == [
        "10⁻⁵", "3·10⁻⁴", "0.01", "1", "200", "10⁶",
    ]  # fmt: skip


def test_memory_in_binary_units() -> None:
    assert messages.memory(300 * 2**20) == f"300{messages.SPACE}MiB"
    assert messages.memory(1.5 * 2**30) == f"1.5{messages.SPACE}GiB"


def test_percentages_and_factors() -> None:
    assert messages.percent(0.98) == f"98{messages.SPACE}%"
    assert messages.times(2.104) == f"2.1{messages.SPACE}×"


@pytest.mark.parametrize(
    ("low", "high", "digits"), [(33, 44, 2), (5.2, 9.1, 1), (33, None, 1), (None, 4, 1)]
)
def test_wide_intervals_bear_out_one_digit(low: float, high: float, digits: int) -> None:
    assert messages.trusted_digits(low, high) == digits


def test_unknown_bounds_leave_no_brackets() -> None:
    assert messages.bracketed(1.234, 5) == " (1.2–5)"
    assert messages.bracketed(None, 5) == messages.bracketed(1, math.nan) == ""


def test_sentences_get_the_pages_numbers() -> None:
    told = "From 5000 to 25000.5 it is -0.983 (-1.01 to 1), by SHA-1 and x-1, 5,000 and 0.12345."
    assert messages.typeset(told) == (
        "From 5,000 to 25000.5 it is −0.983 (−1.01 to 1), by SHA-1 and x-1, 5,000 and 0.12345."
    )
    assert messages.typeset("Changed on 2026-11-27 (b6fc0162).") == (
        "Changed on 2026-11-27 (b6fc0162)."
    )
