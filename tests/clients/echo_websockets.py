"""PyPI's `websockets` against an echo: sizes, fragments, pings, goodbyes. Prints how many checks there were."""

import sys

from websockets.sync.client import connect

checks = 0


def same(found, wanted, what=""):
    global checks
    if found != wanted:
        sys.exit(f"{what}: {str(found)[:200]} instead of {str(wanted)[:200]}")
    checks += 1


def opened():
    # It offers permessage-deflate, which must be declined.
    socket = connect(sys.argv[1], open_timeout=10, close_timeout=10, max_size=None, compression="deflate")
    same(socket.protocol.extensions, [], "extensions")
    return socket


with opened() as socket:
    for size in [0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20, 16 << 20]:
        for message in ["é" * (size // 2), b"\xfe" * size]:
            socket.send(message)
            same(socket.recv(timeout=60), message, f"{size} bytes")
    socket.send(iter(["frag", "", "ments ", "✓"]))
    same(socket.recv(timeout=10), "fragments ✓")
    socket.send(iter([b"frag", b"", b"ments"]))
    same(socket.recv(timeout=10), b"fragments")
    pings = [socket.ping(str(number).encode()) for number in range(20)]
    same([ping.wait(10) for ping in pings], [True] * 20, "pings")
    for number in range(1000):
        socket.send(str(number))
    same([socket.recv(timeout=10) for _ in range(1000)], [str(number) for number in range(1000)], "a thousand")
    socket.close(1000, "done")
    same((socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason), (1000, "done"))
for code in [1001, 1011, 3000, 3999, 4000, 4999]:
    with opened() as socket:
        socket.close(code)
    same(socket.protocol.close_rcvd.code, code)
print(checks)
