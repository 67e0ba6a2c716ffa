"""Whether a page is the report of all the results that lie beside it."""

import csv
import hashlib
from pathlib import Path

from batchmark.errors import UserError
from batchmark.results.seal import digest_of


def refuse_other_results(page: Path, results: Path) -> None:
    """Raise UserError unless `page` is a whole report, made of what is in `results` now."""
    listing = results / "tables" / "results.csv"
    made_of = hashlib.sha256(listing.read_bytes()).hexdigest() if listing.is_file() else "nothing"
    remedy = "Nothing was published; run `snakemake` for the report, then publish."
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    if f'<meta name="batchmark-results" content="{made_of}">' not in html:
        raise UserError(f"{page} is not the whole report of the results in {results}. {remedy}")
    with listing.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = results / row["file"]
            if not path.is_file() or digest_of(path.read_bytes()) != row["digest"]:
                raise UserError(f"{path} is not what {page} was made of, or gone. {remedy}")
