"""The command line: a file per command group, thin over the library."""

from cifarzoo.cli.app import main

__all__ = ["main"]
