from tests.company import company, of_billing

__all__ = ["company", "of_billing"]
