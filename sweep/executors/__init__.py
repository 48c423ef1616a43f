"""Where trials run: `inline` in this process, `ray` on cores, GPUs and clusters."""
