"""The suite. A package only so that processes of the game can import tests.forgeries by name."""
