"""Tests; the folders mirror the source (see README.md beside this file)."""
