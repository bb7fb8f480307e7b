"""What docs/protocol.md names and numbers."""

OPERATIONS = ["pipeline.deploy", "pipeline.delete", "pipeline.stop", "run.start", "run.stop", "run.status", "service.status"]
TERMINAL = ("success", "failed", "partialSuccess", "stopped")

# A fixed window is enough for a first runner; a slow line wants less.
WINDOW_BYTES, CHUNK_BYTES, PAGE = 262_144, 32_768, 500

CODES = {1000: "normal", 1001: "goingAway", 4400: "badFrame", 4401: "unauthorized", 4403: "runnerIdInUse", 4406: "unsupportedVersion",
         4408: "verdictTimeout", 4409: "superseded", 4410: "retired", 4413: "frameTooLarge", 4425: "staleEpoch", 4429: "tooMany",
         4500: "internal", 4504: "silence"}
# A bare 410 is not the gateway's own word, so it doesn't end the dialling.
STATUS = {400: "badFrame", 401: "unauthorized", 403: "runnerIdInUse", 410: "tooMany", 426: "unsupportedVersion", 429: "tooMany",
          500: "internal", 503: "goingAway"}
SLOW = {"badFrame", "unauthorized", "runnerIdInUse", "unsupportedVersion", "superseded", "frameTooLarge", "tooMany"}


def code_of(name):
    return next(code for code, other in CODES.items() if other == name)


def answered(answer):
    return {"outcome": "answered", "answer": answer}


def refused(reason, message):
    return {"outcome": "refused", "reason": reason, "message": message, "advice": "See the runner's log"}


def failed(category, summary, tail):
    advice = "Read the last log lines and the runner's own log"
    return {"state": "failed", "failure": {"category": category, "summary": summary[:500], "advice": advice, "logTail": tail}}
