"""The client's half of RFC 6455, as much of it as docs/protocol.md, "Transport", asks for; nothing but Python's standard library."""

import asyncio, base64, hashlib, json, os, ssl, struct
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_FRAME_BYTES = 1_048_576
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The upgrade was answered with an HTTP status. `name`: the close name in the body, else None."""

    def __init__(self, status, name, retry_after):
        super().__init__(f"{status} {name}")
        self.status, self.name, self.retry_after = status, name, retry_after


class Closed(Exception):
    def __init__(self, code, reason=""):
        super().__init__(f"{code} {reason}")
        self.code = code


async def dial(url, headers, protocol):
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    context = ssl.create_default_context() if secure else None
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.hostname}:{port}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {protocol}",
             *(f"{name}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = int(head.split(" ", 2)[1])
    fields = dict(line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line)
    fields = {name.lower(): value.strip() for name, value in fields.items()}
    if status != 101:
        body = await reader.read(65_536)
        writer.close()
        raise Refused(status, name_in(body), fields.get("retry-after"))
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    if fields.get("sec-websocket-accept") != accept or fields.get("sec-websocket-protocol") != protocol:
        writer.close()
        raise ConnectionError("the other side did not choose this protocol")
    return WebSocket(reader, writer)


def name_in(body):
    """Only `code` is looked at: strictness is for frames."""
    try:
        code = json.loads(body).get("code")
        return code if isinstance(code, str) else None
    except (ValueError, AttributeError):
        return None


class WebSocket:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.heard = self.said = asyncio.get_running_loop().time()
        self.closing = False

    async def receive(self):
        """The next text. Raises Closed when the connection ends, with 4400 or 4413 for what the protocol forbids."""
        pieces, kind = b"", None
        while True:
            final, opcode, payload = await self._frame()
            if opcode == PING:
                self._write(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                self.close(code)
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            elif opcode != PONG:
                kind = opcode or kind
                pieces += payload
                if kind != TEXT:
                    raise Closed(4400, "a binary frame")
                if len(pieces) > MAX_FRAME_BYTES:
                    raise Closed(4413, "a frame that is too large")
                if final:
                    return pieces.decode("utf-8")

    def send(self, text):
        self._write(TEXT, text.encode("utf-8"))

    def close(self, code, reason=""):
        if not self.closing:
            self.closing = True
            self._write(CLOSE, struct.pack("!H", code) + reason.encode()[:100])
        self.writer.close()

    def abort(self):
        self.closing = True
        self.writer.transport.abort()

    async def _frame(self):
        first, second = await self._bytes(2)
        length = second & 127
        if length == 126:
            length = struct.unpack("!H", await self._bytes(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", await self._bytes(8))[0]
        if length > MAX_FRAME_BYTES:
            raise Closed(4413, "a frame that is too large")
        return bool(first & 128), first & 15, await self._bytes(length)

    async def _bytes(self, count):
        """Piece by piece, so that every byte is a sign of life."""
        data = b""
        while len(data) < count:
            piece = await self.reader.read(count - len(data))
            if not piece:
                raise Closed(1006)
            self.heard = asyncio.get_running_loop().time()
            data += piece
        return data

    def _write(self, opcode, payload):
        length = len(payload)
        head = bytes([128 | opcode])
        if length < 126:
            head += bytes([128 | length])
        elif length < 65_536:
            head += bytes([128 | 126]) + struct.pack("!H", length)
        else:
            head += bytes([128 | 127]) + struct.pack("!Q", length)
        mask = os.urandom(4)
        covered = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
        self.writer.write(head + mask + covered)
        self.said = asyncio.get_running_loop().time()
