"""Sends mail to our sandbox by Python's own smtplib: python smtp_client_judge.py PORT FOLDER"""

import email
import email.policy
import glob
import os
import smtplib
import sys
from email.message import EmailMessage

port, folder = int(sys.argv[1]), sys.argv[2]


def expect(condition, name):
    if not condition:
        sys.exit(f"FAILED {name}")
    print(f"ok {name}", flush=True)


message = EmailMessage()
message["From"] = "billing@seller.example"
message["To"] = "books@customer.example"
message["Subject"] = "Beleg über 29,95 €"
message.set_content(".first\n..second\n.\nlast é\n")
message.add_attachment(os.urandom(100_000), maintype="application", subtype="pdf", filename="INV-1.pdf")

with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
    client.ehlo("judge.example")
    expect(client.has_extn("pipelining") and client.has_extn("8bitmime"), "the extensions are announced")
    refused = client.send_message(message, to_addrs=["books@customer.example", "bounce550@x.example", "grey451@x.example"])
    expect({a: code for a, (code, _) in refused.items()} == {"bounce550@x.example": 550, "grey451@x.example": 451},
           "one recipient's refusal is his alone")
    # A failed transaction must leave the conversation usable.
    try:
        client.sendmail("billing@seller.example", "bounce550@x.example", b"x\r\n")
        sys.exit("FAILED a bounce was accepted")
    except smtplib.SMTPRecipientsRefused:
        pass
    client.sendmail("", "second@customer.example", b"Subject: bounce\r\n\r\nx\r\n")
    try:
        client.sendmail("billing@seller.example", "books@customer.example", b"x" * 10, mail_options=["SIZE=999999999"])
        sys.exit("FAILED too large a mail was accepted")
    except smtplib.SMTPSenderRefused as error:
        expect(error.smtp_code == 552, "a mail that says it is too large is refused before it is sent")

kept = [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(folder, "*.eml")))]
expect(len(kept) == 2, "both mails are kept, each once")
first = email.message_from_bytes(kept[0], policy=email.policy.default)
expect(first["Return-Path"] == "<billing@seller.example>", "the sender is on top")
expect(first.get_all("Delivered-To") == ["books@customer.example"], "only who was accepted is delivered to")
expect(first["Subject"] == message["Subject"], "the subject is what it was")
body, attachment = [part for part in first.walk() if not part.is_multipart()]
expect(body.get_content().splitlines() == [".first", "..second", ".", "last é"], "the dots are what they were")
expect(
    attachment.get_content() == next(message.iter_attachments()).get_content(), "the attachment is what it was")
expect(not first.defects, "and a parser of others finds nothing wrong")
