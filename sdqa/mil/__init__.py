"""A reference runtime for Core ML ML Programs: reads an .mlpackage and executes it in torch, on any machine."""
