"""PyPI's `aiohttp` against an echo: sizes, fragments of its own making, pings, goodbyes. Prints how many checks there were."""

import asyncio
import sys

from aiohttp import ClientSession, WSMsgType

checks = 0


def same(found, wanted, what=""):
    global checks
    if found != wanted:
        sys.exit(f"{what}: {str(found)[:200]} instead of {str(wanted)[:200]}")
    checks += 1


async def main():
    async with ClientSession() as session:

        async def opened(**more):
            # It offers permessage-deflate, which must be declined.
            socket = await session.ws_connect(sys.argv[1], compress=15, max_msg_size=0, **more)
            same(socket.compress, 0, "extensions")
            return socket

        socket = await opened(autoping=False)
        for size in [0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20, 16 << 20]:
            await socket.send_str("é" * (size // 2))
            same(await socket.receive_str(timeout=60), "é" * (size // 2), f"{size} bytes")
            await socket.send_bytes(b"\xfe" * size)
            same(await socket.receive_bytes(timeout=60), b"\xfe" * size, f"{size} bytes")
        for number in range(20):
            await socket.ping(str(number).encode())
        for number in range(20):
            pong = await socket.receive(timeout=10)
            same((pong.type, bytes(pong.data)), (WSMsgType.PONG, str(number).encode()), "pings")
        for number in range(1000):
            await socket.send_str(str(number))
        many = [await socket.receive_str(timeout=10) for _ in range(1000)]
        same(many, [str(number) for number in range(1000)], "a thousand")
        await socket.close(code=1000, message=b"done")
        same(socket.close_code, 1000)
        for code in [1001, 1011, 3000, 3999, 4000, 4999]:
            socket = await opened()
            await socket.close(code=code)
            same(socket.close_code, code)


asyncio.run(main())
print(checks)
