"""``python -m symrep``: the command line."""

from symrep.cli import main

if __name__ == "__main__":
    main()
