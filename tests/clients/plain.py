"""A client nobody here wrote: PyPI's `websockets`, plain text. Prints what it receives, one JSON string a line."""

import json
import sys

from websockets.sync.client import connect

with connect(sys.argv[1], open_timeout=10, close_timeout=10) as socket:
    print(json.dumps(socket.recv(timeout=10)))
    for question in sys.argv[2:]:
        socket.send(question)
        print(json.dumps(socket.recv(timeout=10)))
