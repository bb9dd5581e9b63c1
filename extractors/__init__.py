"""Video to features: one module per extractor, all fed by one fused pass."""
