"""``python -m cifarzoo`` is the ``cifarzoo`` command."""

from cifarzoo.cli import main

if __name__ == "__main__":
    main()
