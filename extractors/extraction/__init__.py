"""The extraction pass: each video decoded once for all experts, their networks fed in batches."""
