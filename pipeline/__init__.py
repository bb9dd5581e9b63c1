"""What flows between the stages and how it is kept: configs, manifests, decoded video, stores, reports."""
