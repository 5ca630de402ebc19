"""Takes mail on a free port of 127.0.0.1, after STARTTLS and a login only: python smtp_auth_sink.py FOLDER

Writes the certificate to trust to FOLDER/ca.pem, prints the port, then one JSON line for each mail; ends with standard
input. The login is `user`, the password `pass word`."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult

folder = sys.argv[1]
certificate, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "key.pem")


def make_certificate():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)


class Sink:
    async def handle_DATA(self, server, session, envelope):
        print(
            json.dumps({
                "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                "login": session.auth_data.decode() if session.authenticated else None, "hello": session.host_name,
                "text": envelope.content.decode("latin-1"),
            }), flush=True)
        return "250 2.0.0 queued as 3C4D"


def authenticate(server, session, envelope, mechanism, data):
    matches = data.login == b"user" and data.password == b"pass word"
    # A refusal that is not handled here gets its 535; a handled one leaves the client waiting.
    return AuthResult(success=matches, handled=False, auth_data=data.login)


async def serve():
    make_certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def session():
        return SMTP(
            Sink(), hostname="sink.example", tls_context=context, require_starttls=True, auth_required=True,
            auth_require_tls=True, authenticator=authenticate)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def end_with_standard_input():
    while sys.stdin.read(1):
        pass
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
asyncio.run(serve())
