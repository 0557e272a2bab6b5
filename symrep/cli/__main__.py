"""``python -m symrep.cli``."""

from symrep.cli import main

if __name__ == "__main__":
    main()
