"""``python -m spanwire``: the same as the ``spanwire`` command."""

from spanwire.cli import main

if __name__ == "__main__":
    main()
