"""The built-in losses, one file each; a file put here is a loss that exists."""
