"""Where the chunks of an extraction run: on this machine's devices, on a Ray cluster, or shared by equal commands."""
