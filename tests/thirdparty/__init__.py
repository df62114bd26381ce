"""Real third-party code in the game; `make thirdparty` installs it apart from all else and runs these tests."""
