"""The engines that answer a query, and the fusion of their answers."""
