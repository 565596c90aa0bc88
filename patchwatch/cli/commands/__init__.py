"""One file per command. Each imports workers, models or service inside its functions, so that help stays quick."""
