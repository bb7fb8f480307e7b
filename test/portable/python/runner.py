"""
A small runner in another language, written from docs/protocol.md alone, so that the page stays one that a runner can be written from. It does
what the page's first checklist asks for and nothing of the second, and holds every frame it sends or gets against the JSON Schema.
It is no product: no schedules, one policy (yes), secrets from a directory.
"""

import asyncio, json, os, random, signal, sys, uuid

from protocol import CODES, SLOW, STATUS, TERMINAL, answered, refused
from runs import Runs, now
from schema import Schema
from session import Session
from store import dumps, loads, read, write_durably
from websocket import Closed, Refused, dial


class Runner:
    def __init__(self, settings):
        self.settings, self.data = settings, settings["data"]
        os.makedirs(os.path.join(self.data, "pipelines"), mode=0o700, exist_ok=True)
        self.installation = read(self.path("installation")) or str(uuid.uuid4())
        write_durably(self.path("installation"), self.installation)
        self.instance, self.schema = str(uuid.uuid4()), Schema(settings["schema"])
        self.runs = Runs(self.path("runs"), settings["secrets"], settings["command"])
        self.faults = set(settings.get("faults", []))
        self.acknowledged, self.session = {}, None
        self.standby = self.draining = False
        self.spread = 1

    def path(self, name):
        return os.path.join(self.data, name)

    def tell(self, event, **facts):
        print(json.dumps({"event": event, **facts}), flush=True)

    # Pipelines: one file each, body and hash as they came.

    def pipeline(self, pipeline_id):
        text = read(self.path(f"pipelines/{uuid.UUID(pipeline_id)}"))
        return None if text is None else loads(text)

    def keys(self):
        bodies = [self.pipeline(name) for name in os.listdir(self.path("pipelines")) if "." not in name]
        return [{"pipelineId": body["pipelineId"], "generation": int(body["generation"]), "hash": body["hash"]} for body in bodies]

    def is_current(self, wanted):
        body = self.pipeline(wanted["pipelineId"])
        if body is None or int(body["generation"]) != wanted["generation"]:
            return body is not None and int(body["generation"]) > wanted["generation"]
        return body["hash"] == wanted["hash"]

    def bury(self, tombstone):
        body = self.pipeline(tombstone["pipelineId"])
        if body is None or int(body["generation"]) > tombstone["generation"]:
            return 0
        for run_id in self.live(tombstone["pipelineId"]):
            self.runs.stop(run_id)
        os.remove(self.path(f"pipelines/{tombstone['pipelineId']}"))
        return 1

    def live(self, pipeline_id=None):
        reports = [self.runs.report(run_id) for run_id in self.runs.all()]
        return [report["runId"] for report in reports if report["state"] not in TERMINAL and pipeline_id in (None, report["pipelineId"])]

    # Operations: each gets exactly one verdict.

    def operate(self, kind, body, exact, offset_ms):
        if kind == "pipeline.deploy":
            pipeline = body["pipeline"]
            if "schedule" in pipeline:
                return {"outcome": "unsupported", "message": "this runner has no schedules"}
            if not self.is_current(pipeline):
                write_durably(self.path(f"pipelines/{pipeline['pipelineId']}"), dumps(exact["pipeline"]))
            return {"outcome": "accepted"}
        if kind == "pipeline.delete":
            self.bury(body)
            return {"outcome": "accepted"}
        if kind == "pipeline.stop":
            for run_id in self.live(body["pipelineId"]):
                self.runs.stop(run_id)
            return {"outcome": "accepted"}
        if kind == "run.start":
            return self.start(body, exact, offset_ms)
        if kind == "service.status":
            return answered({"kind": "serviceStatus", "healthy": not self.draining, "message": "a small runner in Python"})
        report = self.runs.report(body["runId"])
        if kind == "run.status" or report is None:
            return answered({"kind": "runStatus", "run": report})
        if report["state"] in TERMINAL:
            return {"outcome": "duplicate", "run": report}
        return {"outcome": "accepted"} if self.runs.stop(body["runId"]) else refused("storage", "the run has only just begun")

    def start(self, order, exact, offset_ms):
        known = self.runs.report(order["runId"])
        if known is not None:
            return {"outcome": "duplicate", "run": known}
        if self.draining:
            return refused("draining", "the runner is shutting down")
        if self.live(order["pipelineId"]):
            return refused("full", "a run of this pipeline is live")
        pipeline = self.pipeline(order["pipelineId"])
        if pipeline is None:
            return refused("unknownPipeline", "it is not deployed here")
        if int(pipeline["generation"]) < order["generation"]:
            return refused("staleGeneration", f"generation {int(pipeline['generation'])} is deployed")
        if now() + offset_ms > order["startBefore"]:
            return refused("tooLate", "its time to start is over")
        config = pipeline["config"]
        if "sourceConfigOverride" in exact:
            source = config.setdefault("source", {}).setdefault("sourceConfig", {})
            source["config"] = {**source.get("config", {}), **exact["sourceConfigOverride"]}
        if "appConfigOverride" in exact:
            config["appConfig"] = exact["appConfigOverride"]
        intent = {"runId": order["runId"], "pipelineId": order["pipelineId"], "attempt": order["attempt"], "config": config,
                  "pipelineType": pipeline["pipelineType"], "fullyQualifiedName": pipeline["fullyQualifiedName"],
                  "startBefore": order["startBefore"] - offset_ms}
        if not self.runs.create(intent):
            return {"outcome": "duplicate", "run": self.runs.report(order["runId"])}
        if "die-before-verdict" in self.faults:
            os.kill(os.getpid(), signal.SIGKILL)
        self.runs.supervise(order["runId"])
        return {"outcome": "accepted", "run": self.runs.report(order["runId"])}

    # Dialling.

    async def serve(self):
        loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, self.shut_down)
        self.runs.adopt()
        attempt = 0
        while not self.draining:
            name, steady = await self.session_once()
            self.tell("ended", name=name)
            if name == "retired":
                return
            attempt = 0 if steady else attempt + 1
            await self.wait(self.delay(name, attempt))

    def delay(self, name, attempt):
        if name not in SLOW:
            return random.uniform(0, min(60, self.spread * 2 ** min(attempt, 6)))
        return random.uniform(60, 120 if name == "superseded" else min(600, 120 * 2 ** min(attempt, 6)))

    async def wait(self, seconds):
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    def shut_down(self):
        """Runs go on; nothing has to be waited for, since whatever isn't acknowledged lies with the runs."""
        self.draining = True
        self.stopping.set()
        if self.session is not None:
            self.session.close("normal", "the runner was told to stop")

    async def session_once(self):
        """How the session ended, and whether it had been in step for a minute."""
        headers = {"Authorization": f"Bearer {read(self.settings['token']).strip()}", "X-Runner-Id": self.settings["runnerId"]}
        try:
            socket = await asyncio.wait_for(dial(f"{self.settings['url']}/v1/runners", headers, "hybrid-runner.v1"), 30)
        except Refused as refusal:
            return refusal.name or STATUS.get(refusal.status, "broken"), False
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            return "broken", False
        self.session = session = Session(self, socket)
        name = "broken"
        try:
            await session.live()
        except Closed as closed:
            name = session.close_name or CODES.get(closed.code, "broken")
        except OSError:
            name = session.close_name or "broken"
        finally:
            self.session = None
            socket.abort()
        self.standby = name == "superseded"
        return name, session.has_been_steady()


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        asyncio.run(Runner(json.load(file)).serve())
