"""`python -m proofs`: find every certificate of the book anew, and write what is generated from it.

That is the bundle of certificates that the kernel judges, the page BLUEPRINT.md, the picture graph.svg, and, after a
whole verification, the table in the README, the record of statuses that floors are labelled by, the page STATEMENTS.md,
and the digests of the released book.
"""

import json
from pathlib import Path

from lowerbound.certify.theorems import RECORD
from lowerbound.prove import released
from lowerbound.prove.blueprint import page, picture, statements_page
from lowerbound.prove.book import load_book
from lowerbound.prove.coq import CoqFolder
from lowerbound.prove.kernel_check import BUNDLE, make_bundle
from lowerbound.prove.summary import inserted, record, summary
from lowerbound.prove.verify import verify

if __name__ == "__main__":
    place = Path(__file__).parent
    book = load_book(place)
    bundle = make_bundle(book)
    (place / BUNDLE).parent.mkdir(exist_ok=True)
    (place / BUNDLE).write_text(json.dumps(bundle, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")
    (place / "BLUEPRINT.md").write_text(page(book), encoding="utf-8")
    (place / "graph.svg").write_text(picture(book), encoding="utf-8")
    readme = place.parent / "README.md"
    report = verify(book)
    readme.write_text(inserted(readme.read_text(encoding="utf-8"), summary(report)), encoding="utf-8")
    recorded = place.parent / "lowerbound" / "certify" / RECORD
    recorded.write_text(json.dumps(record(report), indent=1) + "\n", encoding="utf-8")
    compiled = CoqFolder(place / "coq").compiled()
    (place / "STATEMENTS.md").write_text(statements_page(book, compiled), encoding="utf-8")
    pinned = place.parent / "lowerbound" / "prove" / released.RECORD
    pinned.write_text(json.dumps(released.record(book, compiled), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(bundle['certificates'])} certificates written to {place / BUNDLE}")
