"""What every loss must keep to, as a suite that anyone can run on theirs.

`softsweep losses FILE.py --check` prints it as a table; `LossConformance` is the same for pytest.
"""

from model.conformance.cases import ConformanceError as ConformanceError
from model.conformance.checks import CHECKS as CHECKS
from model.conformance.checks import Finding as Finding
from model.conformance.checks import examine as examine
from model.conformance.inherited import LossConformance as LossConformance
