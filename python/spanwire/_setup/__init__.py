"""Sets up tracing: `install`, the configurator, defaults, the flush at SIGTERM."""
