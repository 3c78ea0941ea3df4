"""All scenarios, by name."""

from tests.faults.delivery import backend, certificates, network, service, streams, under_way
from tests.faults.delivery.scenario import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Scenario", "backend", "certificates", "network", "service", "streams", "under_way"]
