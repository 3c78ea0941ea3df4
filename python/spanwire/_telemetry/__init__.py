"""What spanwire says of itself: log lines, counts, events, Prometheus, the socket of `spanwire top`."""
