"""What `patchwatch doctor` looks at, one noun per file. Each check only reads."""
