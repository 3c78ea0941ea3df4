"""What tests of exporters share holds here too."""

from tests.integration.exporter.conftest import accounts_balance, clean_environment, make_exporter, sink

__all__ = ["accounts_balance", "clean_environment", "make_exporter", "sink"]
