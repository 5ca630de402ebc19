"""Serves localstripe on a free port of 127.0.0.1, prints the port, and ends when its standard input does.

Its own command listens on every interface and writes the whole store to disk after each change; neither happens here.
"""
import asyncio
import os
import sys
import threading

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app


async def serve():
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def end_with_standard_input():
    while sys.stdin.read(1):
        pass
    os._exit(0)


Store.dump_to_disk = lambda self: None
threading.Thread(target=end_with_standard_input, daemon=True).start()
asyncio.run(serve())
