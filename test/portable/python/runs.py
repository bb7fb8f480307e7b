"""The runs of this runner: one directory each, which its supervisor writes and which says at any time how the run stands."""

import json, os, signal, subprocess, sys, time, uuid

from protocol import failed
from store import dumps, read, sync_directory, write_durably

HERE = os.path.dirname(os.path.abspath(__file__))


class Runs:
    def __init__(self, directory, secrets_directory, command):
        self.directory, self.secrets_directory, self.command = directory, secrets_directory, command
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.children = {}

    def path(self, run_id, name=""):
        return os.path.join(self.directory, str(uuid.UUID(run_id)), name)

    def all(self):
        return [run_id for run_id in os.listdir(self.directory) if os.path.exists(self.path(run_id, "intent.json"))]

    def create(self, intent):
        """False when there is one of this id already. Afterwards it is on the disk."""
        run_id = intent["runId"]
        if os.path.exists(self.path(run_id)):
            return False
        made = os.path.join(self.directory, f".{uuid.uuid4()}")
        os.mkdir(made, mode=0o700)
        write_durably(os.path.join(made, "intent.json"), dumps(intent))
        os.rename(made, self.path(run_id))
        sync_directory(self.directory)
        return True

    def supervise(self, run_id):
        arguments = [sys.executable, os.path.join(HERE, "supervisor.py"), self.path(run_id), self.secrets_directory, json.dumps(self.command)]
        with open(self.path(run_id, "supervisor.log"), "ab") as log:
            self.children[run_id] = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def adopt(self):
        """Runs whose supervisor was never started are started now; who comes second doesn't get the claim."""
        for run_id in self.all():
            if not os.path.exists(self.path(run_id, "claim")):
                self.supervise(run_id)

    def report(self, run_id):
        """The run as it stands, or None when there is no such run."""
        text = read(self.path(run_id, "intent.json"))
        if text is None:
            return None
        intent = json.loads(text)
        base = {"runId": run_id, "pipelineId": intent["pipelineId"], "attempt": intent["attempt"]}
        started = json.loads(read(self.path(run_id, "started.json")) or "{}")
        end = read(self.path(run_id, "end.json"))
        if end is not None:
            return {**base, **started, **self.ended(run_id, json.loads(end))}
        if self.is_lost(run_id):
            return {**base, **started, **failed("Lost", "the run's supervisor is gone and left no end", self.tail(run_id))}
        return {**base, "state": "running" if started else "queued", **started}

    def ended(self, run_id, end):
        facts = {"endedAt": end["endedAt"], "log": end["log"]}
        if "exitCode" in end:
            facts["exitCode"] = end["exitCode"]
        if end["stopped"]:
            return {"state": "stopped", "proof": "told to stop before the end was recorded", **facts}
        if end.get("exitCode") == 0:
            return {"state": "success", "proof": "exit code 0, recorded by the run's supervisor", **facts}
        category = end.get("category") or ("Killed" if "signal" in end else "ExitCode")
        summary = end.get("summary") or (f"ended by signal {end['signal']}" if "signal" in end else f"exit code {end['exitCode']}")
        return {**failed(category, summary, self.tail(run_id)), **facts}

    def is_lost(self, run_id):
        if run_id in self.children:
            over = self.children[run_id].poll() is not None
        else:
            pid = json.loads(read(self.path(run_id, "supervisor.json")) or "{}").get("pid")
            over = pid is not None and not alive(pid)
        # What it wrote last is looked at after it was seen to be gone.
        return over and not os.path.exists(self.path(run_id, "end.json"))

    def stop(self, run_id):
        pid = json.loads(read(self.path(run_id, "supervisor.json")) or "{}").get("pid")
        if pid is None or not alive(pid):
            return False
        os.kill(pid, signal.SIGTERM)
        return True

    def log(self, run_id, offset, limit):
        """Bytes of the log from `offset` on: whole characters, and where they begin."""
        try:
            with open(self.path(run_id, "log"), "rb") as file:
                file.seek(offset)
                data = file.read(limit)
                while offset > 0 and data and data[0] & 0xC0 == 0x80:
                    offset -= 1
                    file.seek(offset)
                    data = file.read(limit)
        except FileNotFoundError:
            return offset, ""
        for cut in range(4):
            try:
                return offset, data[:len(data) - cut].decode()
            except UnicodeDecodeError:
                continue
        raise ValueError("the log isn't UTF-8")

    def tail(self, run_id):
        text = read(self.path(run_id, "log")) or ""
        return [line[:2000] for line in text.splitlines()[-50:]]

    def release(self, run_id):
        """The gateway has its end and all of its log."""
        gone = os.path.join(self.directory, f".gone-{uuid.uuid4()}")
        os.rename(self.path(run_id), gone)
        for name in os.listdir(gone):
            os.remove(os.path.join(gone, name))
        os.rmdir(gone)
        self.children.pop(run_id, None)


def alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def now():
    return int(time.time() * 1000)
