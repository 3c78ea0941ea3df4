"""Measures the demo's CPU a span: traces of its shop are recorded, and made again end to end, each way in fresh processes.

In the shop itself a span's cost would drown in that of sockets and SQL. ``spanwire bench`` measures more, and more closely: it is
spanwire-bench's.
"""
