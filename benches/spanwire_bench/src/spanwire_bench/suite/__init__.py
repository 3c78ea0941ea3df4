"""The whole suite in one run: ``spanwire bench`` without a command. Every scenario gives an ``Outcome``; one ``Document`` holds them."""
