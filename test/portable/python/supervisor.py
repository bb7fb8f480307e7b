"""One run: resolves the references, hands the configuration over, masks the output, records the end. Outlives the runner."""

import base64, codecs, hashlib, json, os, re, signal, subprocess, sys, time
from urllib.parse import quote

from store import Exact, dumps, loads, write_durably

REFERENCE = "secret:"
MASK = "****"


def resolve(reference, directory):
    """The readings of docs/protocol.md, "Secret references": the first that exists wins."""
    name, _, key = reference.removeprefix(REFERENCE).partition("#")
    readings = [(name, key)] if key else [(name, None)]
    if not key and not name.startswith("arn:"):
        bare = name.removeprefix("/")
        readings += [(bare, None)] + [(path.rpartition("/")[0], path.rpartition("/")[2]) for path in (name, bare) if "/" in path.removeprefix("/")]
    for secret, field in readings:
        path = os.path.normpath(os.path.join(directory, secret.removeprefix("/")))
        if not path.startswith(directory + os.sep) or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read().removesuffix("\n")
        if field is None:
            return text
        try:
            value = loads(text)[field]
            return value if isinstance(value, str) else dumps(value)
        except (ValueError, KeyError, TypeError):
            continue
    raise LookupError(reference)


def resolve_all(node, directory, secrets):
    if isinstance(node, Exact):
        return node
    if isinstance(node, str) and node.startswith(REFERENCE):
        secrets.add(value := resolve(node, directory))
        return value
    if isinstance(node, dict):
        return {name: resolve_all(value, directory, secrets) for name, value in node.items()}
    return [resolve_all(value, directory, secrets) for value in node] if isinstance(node, list) else node


def bot_token(config):
    for path in (("workflowConfig", "openMetadataServerConfig", "securityConfig", "jwtToken"),
                 ("openMetadataServerConnection", "securityConfig", "jwtToken")):
        node = config
        for name in path:
            node = node.get(name) if isinstance(node, dict) else None
        if isinstance(node, str) and node:
            yield node


def pattern_of(secrets):
    """The spellings of each secret that a runner must mask at least."""
    found = set()
    for secret in secrets:
        raw = secret.encode()
        found |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""), raw.hex()}
        found |= {part for line in secret.splitlines() for part in (line, line.strip()) if len(part) >= 4}
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + raw).decode()
            found.add(coded[(shift * 8 + 5) // 6:((shift + len(raw)) * 8) // 6])
    words = sorted((word for word in found if len(word) >= 4), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words))) if words else None


def run(directory, secrets_directory, command):
    os.close(os.open(os.path.join(directory, "claim"), os.O_CREAT | os.O_EXCL, 0o600))
    with open(os.path.join(directory, "intent.json"), encoding="utf-8") as file:
        intent = loads(file.read())
    stopped = []
    child = None

    def stop(*_):
        stopped.append(True)
        if child is not None:
            os.killpg(child.pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    write_durably(os.path.join(directory, "supervisor.json"), json.dumps({"pid": os.getpid()}))
    end, secrets, log = {}, set(), b""
    with open(os.path.join(directory, "log"), "ab", buffering=0) as out:
        try:
            if int(time.time() * 1000) > int(str(intent["startBefore"])):
                raise TimeoutError("startBefore has passed")
            config = resolve_all(intent["config"], secrets_directory, secrets)
            secrets.update(bot_token(config))
            environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "config": dumps({**config, "pipelineRunId": intent["runId"]}),
                           "pipelineType": intent["pipelineType"], "pipelineRunId": intent["runId"],
                           "ingestionPipelineFQN": intent["fullyQualifiedName"]}
            child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, start_new_session=True)
            if stopped:
                stop()
            write_durably(os.path.join(directory, "started.json"), json.dumps({"startedAt": int(time.time() * 1000)}))
            mask_into(child.stdout, out, pattern_of(secrets))
            code = child.wait()
            end = {"exitCode": code} if code >= 0 else {"signal": -code}
        except LookupError as error:
            end = {"category": "SecretUnresolved", "summary": f"Cannot resolve {error}"}
        except TimeoutError as error:
            end = {"category": "StartTimeout", "summary": str(error)}
        except OSError as error:
            end = {"category": "StartFailed", "summary": f"Cannot start the program: {error.strerror}"}
    with open(os.path.join(directory, "log"), "rb") as file:
        log = file.read()
    end |= {"stopped": bool(stopped), "endedAt": int(time.time() * 1000),
            "log": {"bytes": len(log), "sha256": hashlib.sha256(log).hexdigest()}}
    write_durably(os.path.join(directory, "end.json"), json.dumps(end))


def mask_into(pipe, out, pattern):
    """Whole lines only, so that no secret without a line end in it is cut in two; well-formed, and every line ends with \\n."""
    decode = codecs.getincrementaldecoder("utf-8")("replace")
    held = ""
    while piece := os.read(pipe.fileno(), 65_536):
        held += decode.decode(piece)
        whole, newline, held = held.rpartition("\n")
        write(whole + newline, out, pattern)
    write(held + decode.decode(b"", True), out, pattern)


def write(text, out, pattern):
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text:
        out.write((pattern.sub(MASK, text) if pattern else text).encode())


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
