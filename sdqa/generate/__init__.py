"""The diffusers pipeline with any of its four components executed by any runtime."""
