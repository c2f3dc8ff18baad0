"""What holds between the columns of one row: amounts that follow from prices, answers on their scale."""

from __future__ import annotations

import pandas as pd

from crmlab.cleansing.ledger import NO_AMOUNT, TOO_LARGE, Ledger


def check_scale(answers: pd.DataFrame, ledger: Ledger) -> None:
    """Set answers aside that their scale does not have."""
    outside = (answers["score"] < answers["scale_low"]) | (answers["score"] > answers["scale_high"])
    ledger.set_aside("outside its scale", "score", outside)


def complete_amounts(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Compute amounts the source does not give."""
    # A line set aside already is not filled and needs no second reason.
    kept = ~frame.index.isin(ledger.reasons().index)
    computed = frame["quantity"] * frame["unit_price"] - frame["discount"].fillna(0)
    # Whole numbers of 64 bits wrap around without a word; the estimate does not.
    estimate = frame["quantity"].astype("Float64") * frame["unit_price"].astype("Float64")
    too_large = (estimate.abs() >= 2**62).fillna(False).astype(bool)
    computed = computed.mask(too_large)
    if "amount" not in frame:
        amount = computed
        ledger.column("read", "quantity x unit price - discount", "amount", amount.notna().sum())
    else:
        gaps = frame["amount"].isna() & computed.notna() & kept
        amount = frame["amount"].fillna(computed)
        before = pd.Series(pd.NA, index=frame.index, dtype="str")
        ledger.cells(
            "filled", "quantity x unit price - discount", "amount", gaps, before, amount.astype("str")
        )
    missing = amount.isna() & kept
    ledger.set_aside(TOO_LARGE, "amount", missing & too_large)
    ledger.set_aside(NO_AMOUNT, "amount", missing & ~too_large)
    return frame.assign(amount=amount)
