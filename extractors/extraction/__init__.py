"""The extraction pass: decodes each video once for all experts, and feeds their networks in batches."""
