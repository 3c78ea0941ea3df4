"""Parts of ``spanwire top``."""
