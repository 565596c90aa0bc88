"""Files by name, in a folder or in an object store: `patchwatch.storage.storage.open_storage`."""
