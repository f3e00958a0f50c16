"""File formats: archives and folders that hold files, and files that hold images. Nothing read here is trusted."""
