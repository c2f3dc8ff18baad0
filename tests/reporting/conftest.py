"""A small workspace to run small notebooks on."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three order lines."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "orders.csv").write_text(
        "order_id,customer_id,time,amount\n1,a,2024-01-05,12.50\n2,b,2024-02-01,7\n3,a,2024-03-09,1\n"
    )
    (folder / "crmlab.toml").write_text('[[source]]\ntable = "orders"\nfile = "orders.csv"\n')
    return folder
