"""`python -m lowerbound` is the command `lowerbound`, and finds its libraries where that finds them."""

import sys

if __name__ == "__main__":
    # `python -m` puts the working directory first on the path. A cache lies there, and whatever lies beside it would be
    # imported into this process in place of a library, or of a module that a library tries and does not need.
    if not sys.flags.safe_path:
        del sys.path[0]
    from lowerbound.cli import main

    main()
