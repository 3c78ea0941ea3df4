"""Exporters for the stock SDK and for ours: ``spanwire.exporter.http``."""
