"""A static site over many runs: what changed, since when, and what to ship.

Records become rows of SQLite (`database`), rows become series (`series`), and each page's data is a pure function of
those: `changes`, `flaky`, `variants`, `goldens`, `overview`. `site` writes one page and small files beside it that it
fetches when they are looked at, also from disk.
"""
