"""What ``spanwire doctor`` is made of: a context, steps (a file each) that look at one thing, and a report.

Nothing here needs the extra ``cli``: who has trouble may not have it.
"""
