"""Compiled façade on the Rust core; private."""
