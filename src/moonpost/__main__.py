"""Run the command line with ``python -m moonpost``."""

from moonpost.cli.main import main

if __name__ == "__main__":
    main()
