"""Claims: what a run confirms, contradicts or cannot decide, each with the numbers behind it.

The paper's claims of order are lines of `paper.yaml`, in the form in which users write their own
(`results.claims.written`); those that need more are functions, one idea a file
(`results.claims.registry`). Neither judges by bare means: `results.claims.decision` does.
"""
