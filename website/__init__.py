"""The documentation as a web site: `make docs` builds it of the pages of this repository."""
