"""The data that flows between the stages, and how it is stored: configs, manifests, decoded video, stores, reports."""
