"""Networks that extractors build by name, their weights, and the device that they run on."""
