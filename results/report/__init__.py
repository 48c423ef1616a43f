"""The page `tables/report.html`: all that is known of a run, in one file that needs no network.

Every section is a file of this folder that turns findings into HTML; the script only sorts, chooses
and draws, so that tables stand without it. `report.html`, `report.css` and `report.js` are the
template, the styles and the script; `curves.html` and `reading.html` are parts of the page that no
run changes.
"""

from results.report.page import Progress, report, write_report

__all__ = ["Progress", "report", "write_report"]
