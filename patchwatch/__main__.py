"""``python -m patchwatch`` is the ``patchwatch`` command."""

from patchwatch.cli.app import main

if __name__ == "__main__":
    main()
