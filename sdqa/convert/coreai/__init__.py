"""Core AI's format: a component to an `.aimodel`, what an asset holds, and assets that another tool made."""
