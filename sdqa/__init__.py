"""sdqa: quality and regression gate for Stable Diffusion pipelines converted to Core ML."""

__version__ = "0.2.0"
