"""One session: from `hello` to its close."""

import asyncio, json, sys

from protocol import CHUNK_BYTES, OPERATIONS, PAGE, TERMINAL, WINDOW_BYTES, code_of
from runs import now
from store import loads
from websocket import Closed


class Session:
    def __init__(self, runner, socket):
        self.runner, self.socket = runner, socket
        self.epoch = self.seq = self.offset_ms = 0
        self.heartbeat, self.silence = 10, 25
        self.cursors, self.delivered, self.wanted, self.tombstones = {}, {}, [], []
        self.sent, self.told, self.in_flight = {}, [], 0
        self.in_step, self.close_name = None, None

    async def live(self):
        settings = self.runner.settings
        self.send("hello", {"protocolVersions": [2], "runnerId": settings["runnerId"], "installationId": self.runner.installation,
                            "instanceId": self.runner.instance, "standby": self.runner.standby, "runnerVersion": "0.1.0", "executor": "process",
                            "platform": f"python {sys.version.split()[0]}", "operations": OPERATIONS, "maxConcurrentRuns": 4})
        others = [asyncio.create_task(self.pump()), asyncio.create_task(self.watch())]
        try:
            while True:
                self.take(await self.socket.receive())
        finally:
            for task in others:
                task.cancel()

    def has_been_steady(self):
        return self.in_step is not None and asyncio.get_running_loop().time() - self.in_step > 60

    def close(self, name, reason):
        self.send("close", {"name": name, "reason": reason})
        self.close_name = name
        self.socket.close(code_of(name), reason)

    def send(self, kind, body, update=False):
        frame = {"type": kind, "epoch": self.epoch, **({"seq": self.seq + 1} if update else {}), "body": body}
        self.fits(frame, "up")
        self.seq += update
        self.socket.send(json.dumps(frame))

    def fits(self, frame, direction):
        fits = self.runner.schema.fits(frame, direction)
        self.runner.tell("frame", direction=direction, type=frame["type"], fits=fits, **({} if fits else {"frame": frame}))
        return fits

    def take(self, text):
        frame = json.loads(text)
        if not self.fits(frame, "down"):
            return self.close("badFrame", f"{frame['type']} is not of its shape")
        kind, body = frame["type"], frame["body"]
        if kind == "close":
            self.close_name = body["name"]
            raise Closed(1000)
        if kind == "welcome":
            return self.welcome(body)
        if frame["epoch"] != self.epoch:
            return self.close("staleEpoch", "a frame of another session")
        if kind == "logCursors":
            self.cursors |= {run["runId"]: run["offset"] for run in body["runs"]}
            self.delivered |= self.cursors
        elif kind == "wanted":
            self.wanted += body["pipelines"]
            self.tombstones += body["tombstones"]
            if body["last"]:
                self.compare()
        elif kind == "ack":
            self.acknowledged(body["seq"])
        elif kind == "heartbeat":
            self.runner.spread = body.get("reconnectSpreadSeconds", self.runner.spread)
        else:
            self.operate(kind, body, loads(text)["body"])

    def operate(self, kind, body, exact):
        if kind not in OPERATIONS:
            verdict = {"outcome": "unsupported", "message": f"this runner can't do {kind}"}
        else:
            verdict = self.runner.operate(kind, body, exact, self.offset_ms)
        self.runner.tell("verdict", operation=kind, outcome=verdict["outcome"], reason=verdict.get("reason"))
        if kind == "run.start":
            self.runner.faults.discard("hide-runs")
        self.send("verdict", {"operationId": body["operationId"], **verdict})

    def welcome(self, body):
        self.epoch, self.offset_ms = body["epoch"], body["serverTime"] - now()
        self.heartbeat, self.silence = body["heartbeatSeconds"], body["silenceSeconds"]
        self.runner.spread = body.get("reconnectSpreadSeconds", self.runner.spread)
        self.runner.standby = False
        hidden = "hide-runs" in self.runner.faults
        runs = [] if hidden else [self.runner.runs.report(run_id) for run_id in self.runner.runs.all()]
        moments = [{name: run[name] for name in ("runId", "pipelineId", "attempt", "state")} for run in runs]
        pipelines = self.runner.keys()
        pages = max(1, -(-max(len(pipelines), len(moments)) // PAGE))
        for page in range(pages):
            part = slice(page * PAGE, (page + 1) * PAGE)
            self.send("inventory", {"pipelines": pipelines[part], "runs": moments[part], "last": page == pages - 1})

    def compare(self):
        deleted = sum(self.runner.bury(tombstone) for tombstone in self.tombstones)
        missing = [key["pipelineId"] for key in self.wanted if not self.runner.is_current(key)]
        for pipeline_id in missing:
            self.send("fetch", {"pipelineId": pipeline_id})
        named = {entry["pipelineId"] for entry in self.wanted + self.tombstones}
        orphans = [key for key in self.runner.keys() if key["pipelineId"] not in named]
        self.send("inStep", {"fetched": len(missing), "deleted": deleted, "orphans": orphans[:PAGE]})
        self.in_step = asyncio.get_running_loop().time()
        self.runner.tell("inStep", fetched=len(missing), cursors=self.cursors)

    # Updates: states before logs, no more log on its way than the window holds.

    async def pump(self):
        while True:
            if self.in_step is not None and "hide-runs" not in self.runner.faults:
                for run_id in self.runner.runs.all():
                    self.tell_state(run_id)
                for run_id in self.runner.runs.all():
                    self.tell_log(run_id)
                await self.socket.writer.drain()
            await asyncio.sleep(0.05)

    def tell_state(self, run_id):
        report = self.runner.runs.report(run_id)
        if report == self.sent.get(run_id) or self.runner.acknowledged.get(run_id) == report:
            return
        self.send("run.update", report, update=True)
        self.sent[run_id] = report
        self.told.append((self.seq, run_id, report, None))
        if report["state"] in TERMINAL and "cut-after-end" in self.runner.faults:
            self.runner.faults.discard("cut-after-end")
            self.runner.tell("cut", runId=run_id)
            self.socket.abort()

    def tell_log(self, run_id):
        while self.in_flight < WINDOW_BYTES:
            offset, text = self.runner.runs.log(run_id, self.cursors.get(run_id, 0), CHUNK_BYTES)
            if text == "":
                return
            size = len(text.encode())
            self.send("run.log", {"runId": run_id, "offset": offset, "text": text}, update=True)
            self.cursors[run_id] = offset + size
            self.in_flight += size
            self.told.append((self.seq, run_id, None, (offset, size)))

    def acknowledged(self, seq):
        while self.told and self.told[0][0] <= seq:
            _, run_id, report, piece = self.told.pop(0)
            if report is not None:
                self.runner.acknowledged[run_id] = report
            else:
                self.in_flight -= piece[1]
                self.delivered[run_id] = sum(piece)
            self.release(run_id)

    def release(self, run_id):
        report = self.runner.acknowledged.get(run_id)
        if report is None or report["state"] not in TERMINAL:
            return
        length = report["log"]["bytes"] if "log" in report else 0
        if self.delivered.get(run_id, 0) >= length:
            self.runner.runs.release(run_id)
            self.runner.tell("released", runId=run_id)

    async def watch(self):
        """Heartbeats and silence, by bytes and not by frames."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.5)
            if loop.time() - self.socket.heard > self.silence:
                self.close("silence", "nothing was received")
                self.socket.abort()
            elif self.epoch and loop.time() - self.socket.said > self.heartbeat:
                self.send("heartbeat", {})
