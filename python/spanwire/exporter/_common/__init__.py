"""What all exporters share: options, environment, proxies, the exporter itself."""
