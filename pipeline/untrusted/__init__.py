"""Whatever touches strangers' bytes: downloads, archives and pickles, none of which may run code."""
