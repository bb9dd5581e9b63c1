"""A benchmark on real things: short videos made of the photographs of Debian's package tuxpaint-stamps-default."""
