"""Takes mail on a free port of 127.0.0.1, prints the port, then one JSON line for each mail; ends with standard input.

Recipients `bounce550@…` and `grey451@…` are refused for good and for now.
"""
import asyncio
import json
import os
import sys
import threading

from aiosmtpd.smtp import SMTP


class Sink:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bounce550"):
            return "550 5.1.1 No such user"
        if address.startswith("grey451"):
            return "451 4.7.1 Greylisted, try later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        print(json.dumps([envelope.mail_from, envelope.rcpt_tos, envelope.content.decode("ascii")]), flush=True)
        return "250 2.0.0 queued as 1A2B"


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), hostname="sink.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def end_with_standard_input():
    while sys.stdin.read(1):
        pass
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
asyncio.run(serve())
