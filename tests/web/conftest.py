import pytest

from tests.company import company, of_billing

__all__ = ["company", "of_billing"]


@pytest.fixture(autouse=True)
def _no_worker_signs(monkeypatch):
    """An export waits a moment for a worker's checkpoint; here there is no worker."""
    monkeypatch.setattr("governance.audit.export.PATIENCE", 0)
