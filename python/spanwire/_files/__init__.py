"""Files of spans: reads, writes and converts them."""
