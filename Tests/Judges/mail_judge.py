"""Reads one mail with Python's own parser and prints what a reader would see, as JSON; defects are part of it."""
import json
import sys
from email import policy
from email.parser import BytesParser

data = sys.stdin.buffer.read()
mail = BytesParser(policy=policy.default).parsebytes(data)
parts = [part for part in mail.walk() if not part.is_multipart()]
seen = {
    "from": [[each.display_name, each.addr_spec] for each in mail["From"].addresses],
    "to": [[each.display_name, each.addr_spec] for each in mail["To"].addresses],
    "subject": str(mail["Subject"]),
    "date": mail["Date"].datetime.isoformat(),
    "id": str(mail["Message-ID"]),
    "headers": sorted(mail.keys()),
    "parts": [[part.get_content_type(), part.get_content().splitlines()] for part in parts],
    "defects": [repr(defect) for part in mail.walk() for defect in part.defects]
    + [repr(defect) for name in mail.keys() for defect in mail[name].defects],
    "longest": max(len(line) for line in data.split(b"\r\n")),
}
print(json.dumps(seen, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
