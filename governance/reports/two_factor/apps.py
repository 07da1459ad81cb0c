from django.apps import AppConfig


class TwoFactorConfig(AppConfig):
    name = "governance.reports.two_factor"
    label = "two_factor"
