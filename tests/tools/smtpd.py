"""A mail server for tests: STARTTLS and AUTH are required; every mail becomes a file.

usage: smtpd.py PORT FOLDER CERTIFICATE KEY DELAY_SECONDS

A mail is written after DELAY_SECONDS and only then acknowledged, so that a test can kill the
server while a mail is under way.
"""

import asyncio
import os
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

port, folder, certificate, key, delay = sys.argv[1:6]


class Mailbox:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        open(os.path.join(folder, "under-way"), "w").close()
        await asyncio.sleep(float(delay))
        Mailbox.count += 1
        name = os.path.join(folder, f"{os.getpid()}-{Mailbox.count:04}")
        with open(name + ".part", "wb") as file:
            file.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login == b"builds" and data.password == b"secret"
    return AuthResult(success=right, handled=False)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
controller = Controller(
    Mailbox(),
    hostname="127.0.0.1",
    port=int(port),
    tls_context=context,
    require_starttls=True,
    authenticator=authenticate,
    auth_required=True,
)
controller.start()
print("ready", flush=True)
signal.pause()
