"""What a proof came to, said once more where a report can be made of it: a line of the file `DIGEST_PROOFS_TOLD`."""

from __future__ import annotations

import os
from pathlib import Path


def tell(line: str) -> None:
    """Print a line, and append it to the file where there is one; parallel processes may do so at once."""
    print(line)
    path = os.environ.get("DIGEST_PROOFS_TOLD")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
