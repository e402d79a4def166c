"""MongoDB's official builds and their installation into the checkout."""
