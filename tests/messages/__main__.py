"""Print every message with its place."""

from tests.messages import scan

for found in scan():
    print(found)
