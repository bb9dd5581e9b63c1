from tests.pipeline.hosts import hosts

__all__ = ["hosts"]
