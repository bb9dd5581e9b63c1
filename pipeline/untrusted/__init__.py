"""Everything that reads untrusted bytes: downloads, archives and pickles, none of which may run code."""
