"""Networks of extractors and text encoders: base classes, construction by name, weights, device."""
