"""A client of MessagePack-RPC as its specification has it, on python3-msgpack. Prints what it finds as JSON."""

import json
import socket
import sys

import msgpack


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        self.next_id = 0
        self.responses = {}
        self.notifications = []

    def send(self, message):
        self.socket.sendall(msgpack.packb(message))

    def start(self, method, *params):
        self.next_id += 1
        self.send([0, self.next_id, method, list(params)])
        return self.next_id

    def read(self):
        while True:
            for message in self.unpacker:
                if message[0] == 1:
                    self.responses[message[1]] = message[2:]
                else:
                    self.notifications.append(message[1:])
                return
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the server closed the connection")
            self.unpacker.feed(data)

    def wait(self, request_id):
        while request_id not in self.responses:
            self.read()
        error, result = self.responses.pop(request_id)
        return ["error", error["code"], error["retryable"]] if error is not None else result

    def call(self, method, *params):
        return self.wait(self.start(method, *params))


client = Client(int(sys.argv[1]))
found = []
found.append(client.call("set", "greeting", "hällo"))
found.append(client.call("get", "greeting"))
found.append(client.call("set", "bytes", b"\x00\xff"))
found.append(list(client.call("get", "bytes")))
found.append(client.call("set", "int", 2**63 - 1))
found.append(client.call("get", "int") == 2**63 - 1)
found.append(client.call("set", "float", -0.25))
found.append(client.call("get", "float"))
found.append(client.call("set", "doc", {"a": [1, None, True, {"b": 2.5}], "ü": {}}))
found.append(client.call("get", "doc"))
found.append(client.call("mget", "greeting", "none", "float"))
found.append(client.call("incr", "doc"))
found.append(client.call("set", "n", 1, {"ttlMs": 60000, "nx": True}))
found.append(client.call("incrby", "n", 41))
found.append(client.call("del", "n", "none"))
found.append(client.call("batch", ["set", ["x", 1]], ["incr", ["x"]], ["nosuch", []])[:2])
# Many requests at once: the ids say which answer is whose, and large ones arrive in pieces.
ids = [client.start("set", f"k{number}", "v" * number * 100) for number in range(200)]
found.append(all(client.wait(request_id) == "OK" for request_id in ids))
ids = [client.start("get", f"k{number}") for number in range(200)]
found.append(all(client.wait(request_id) == "v" * number * 100 for number, request_id in enumerate(ids)))
client.send([2, "set", ["told", "quietly"]])
found.append(client.call("get", "told"))
found.append(client.call("subscribe", "news"))
found.append(client.call("publish", "news", "today"))
while not client.notifications:
    client.read()
found.append(client.notifications)
found.append(client.call("nosuch"))
print(json.dumps(found))
