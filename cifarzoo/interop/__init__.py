"""Doors to other libraries, a file each."""
