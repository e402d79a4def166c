"""Write the range of prices of each currency, for the client's forms.

`python -m ticketing_dev.tools.price_ranges FOLDER` writes price-ranges.json to the folder.
"""

import json
import sys
from pathlib import Path

from ticketing_common.money import MAXIMUM_CHARGE, MINIMUM_CHARGES, to_json_number


def write(folder: Path) -> None:
    """Write the file."""
    ranges = {
        "minimum": {name: to_json_number(price) for name, price in MINIMUM_CHARGES.items()},
        "maximum": to_json_number(MAXIMUM_CHARGE),
    }
    (folder / "price-ranges.json").write_text(json.dumps(ranges, indent=2) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
