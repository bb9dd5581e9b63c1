"""Who describes a clip in words: a server, a network on this machine, a file; and what is kept of what they say."""
