"""PyPI's `wsproto` against an echo: sizes, fragments, pings, goodbyes. Prints how many checks there were."""

import socket
import sys
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

checks = 0


def same(found, wanted, what=""):
    global checks
    if found != wanted:
        sys.exit(f"{what}: {str(found)[:200]} instead of {str(wanted)[:200]}")
    checks += 1


class Client:
    def __init__(self):
        address = urlsplit(sys.argv[1])
        self.tcp = socket.create_connection((address.hostname, address.port), 30)
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.waiting = []
        # It offers permessage-deflate, which must be declined.
        self.send(Request(host=address.netloc, target="/", extensions=[PerMessageDeflate()]))
        accepted = self.next()
        same((type(accepted), accepted.extensions), (AcceptConnection, []), "handshake")

    def send(self, event):
        self.tcp.sendall(self.ws.send(event))

    def next(self):
        while not self.waiting:
            self.ws.receive_data(self.tcp.recv(1 << 16) or None)
            self.waiting.extend(self.ws.events())
        return self.waiting.pop(0)

    def message(self):
        parts = []
        while True:
            event = self.next()
            parts.append(event.data)
            if event.message_finished:
                return parts[0][:0].join(parts)


client = Client()
# What is sent here is not read meanwhile: no longer than what the system keeps.
for size in [0, 1, 125, 126, 127, 128, 65535, 65536]:
    client.send(TextMessage("é" * (size // 2)))
    same(client.message(), "é" * (size // 2), f"{size} bytes")
    client.send(BytesMessage(b"\xfe" * size))
    same(bytes(client.message()), b"\xfe" * size, f"{size} bytes")
client.send(TextMessage("frag", message_finished=False))
client.send(Ping(b"between"))
client.send(TextMessage("", message_finished=False))
client.send(TextMessage("ments ✓"))
pong = client.next()
same((type(pong), bytes(pong.payload)), (Pong, b"between"))
same(client.message(), "fragments ✓")
for number in range(20):
    client.send(Ping(str(number).encode()))
same([bytes(client.next().payload) for _ in range(20)], [str(number).encode() for number in range(20)], "pings")
client.send(CloseConnection(1000, "done"))
end = client.next()
same((type(end), end.code, end.reason), (CloseConnection, 1000, "done"))
for code in [1001, 1011, 3000, 3999, 4000, 4999]:
    client = Client()
    client.send(CloseConnection(code))
    same(client.next().code, code)
print(checks)
