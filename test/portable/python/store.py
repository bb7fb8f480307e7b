"""What a runner keeps durably: files that are whole or not there. And JSON whose numbers stay what was written."""

import json, os, uuid


class Exact(float):
    """A number with the text it was written in."""

    def __new__(cls, text):
        number = super().__new__(cls, float(text))
        number.text = text
        return number

    def __repr__(self):
        return self.text


def loads(text):
    return json.loads(text, parse_int=Exact, parse_float=Exact)


def dumps(value):
    """Numbers as they came; one with an exponent gets the point and sign that YAML 1.1 asks for."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{dumps(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return for_yaml(value.text) if isinstance(value, Exact) else json.dumps(value)


def for_yaml(number):
    mantissa, e, exponent = number.lower().partition("e")
    if not e:
        return number
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent}"


def write_durably(path, text):
    """The file and its name in the directory are on the disk when this returns."""
    temporary = f"{path}.{uuid.uuid4().hex}"
    with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(os.path.dirname(path))


def sync_directory(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
