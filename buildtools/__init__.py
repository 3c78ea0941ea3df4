"""What setup.py needs beside setuptools: what must be there to build, what was built, and from which parts. Standard library only."""
