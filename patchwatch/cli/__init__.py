"""The ``patchwatch`` command and what its subcommands share."""
