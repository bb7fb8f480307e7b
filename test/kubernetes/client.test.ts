import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { CodedError, explainError } from "../../src/base/errors.ts";
import type { EndedCall } from "../../src/kubernetes/client.ts";
import { CONFIG_MAPS, type ConfigMap, JOBS, SECRETS, type Secret } from "../../src/kubernetes/objects.ts";
import { eventually } from "../fakes/eventually.ts";
import { answer, configMap, listOf, refuse, startApiServer } from "./api-server.ts";
import { accessTo, openClient } from "./open.ts";

const MAP: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
const SECRET: Secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };

async function failure(work: Promise<unknown>): Promise<CodedError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CodedError)) throw new Error(`no CodedError but ${String(error)}`);
  return error;
}

describe("requests", () => {
  test("go to the path of their resource, with credentials and user agent", async () => {
    const server = await startApiServer((_seen, response) => answer(response, 200, configMap("a", 1)));
    const api = openClient(`${server.url}/base`);
    await api.get(JOBS, "ns", "j");
    await api.create(CONFIG_MAPS, "ns", MAP, undefined, { dryRun: true });
    await api.patch(CONFIG_MAPS, "ns", "a", { data: { k: null } });
    await api.replace(CONFIG_MAPS, "ns", MAP);
    await api.remove(CONFIG_MAPS, "ns", "a", { propagation: "Background", uid: "u", gracePeriodSeconds: 3 });
    expect(server.seen.map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual([
      "GET /base/apis/batch/v1/namespaces/ns/jobs/j?",
      "POST /base/api/v1/namespaces/ns/configmaps?dryRun=All",
      "PATCH /base/api/v1/namespaces/ns/configmaps/a?",
      "PUT /base/api/v1/namespaces/ns/configmaps/a?",
      "DELETE /base/api/v1/namespaces/ns/configmaps/a?",
    ]);
    expect(server.seen[2]?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(server.seen[2]?.body).toBe('{"data":{"k":null}}');
    expect(JSON.parse(server.seen[4]?.body ?? "")).toMatchObject({
      propagationPolicy: "Background",
      preconditions: { uid: "u" },
      gracePeriodSeconds: 3,
    });
    for (const { headers } of server.seen) {
      expect(headers).toMatchObject({ authorization: "Bearer the-token", "user-agent": "hybrid-runner/test" });
    }
  });

  test("a list gives its items version and kind, and passes selection, limit and continue on", async () => {
    const server = await startApiServer((_seen, response) =>
      answer(response, 200, listOf([configMap("a", 4)], 9, "more")),
    );
    const list = await openClient(server.url).list(CONFIG_MAPS, "ns", {
      labelSelector: "x=y",
      limit: 5,
      continue: "c",
    });
    expect(list.items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
    expect(list.metadata).toEqual({ resourceVersion: "9", continue: "more" });
    expect(Object.fromEntries(server.seen[0]?.query ?? [])).toEqual({
      labelSelector: "x=y",
      limit: "5",
      continue: "c",
    });
  });

  test("use connections again, and no more than the limit at once", async () => {
    let now = 0;
    let most = 0;
    const server = await startApiServer(async (_seen, response) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now--;
      answer(response, 200, configMap("a", 1));
    });
    const calls: EndedCall[] = [];
    const api = openClient(server.url, { limits: { calls: 3 }, onCall: (call) => calls.push(call) });
    const all = Array.from({ length: 12 }, () => api.get(CONFIG_MAPS, "ns", "a"));
    await eventually(() => expect(api.waiting).toBe(9));
    await Promise.all(all);
    expect(most).toBe(3);
    expect(server.connections()).toBe(3);
    expect(api.connections).toBe(3);
    expect(calls.filter(({ waitedMs }) => waitedMs > 10).length).toBe(9);
  });

  test("a call too many is refused at once", async () => {
    const server = await startApiServer(() => undefined);
    const api = openClient(server.url, { limits: { calls: 1, waiting: 1, callMs: 300, answerMs: 200 } });
    const first = failure(api.get(CONFIG_MAPS, "ns", "a"));
    const second = failure(api.get(CONFIG_MAPS, "ns", "a"));
    expect((await failure(api.get(CONFIG_MAPS, "ns", "a"))).code).toBe("ApiThrottled");
    expect([(await first).code, (await second).code]).toEqual(["ApiUnavailable", "ApiUnavailable"]);
  });
});

describe("refusals", () => {
  test.each([
    [400, "BadRequest", "ApiInvalid"],
    [403, "Forbidden", "ApiForbidden"],
    [404, "NotFound", "ApiNotFound"],
    [409, "AlreadyExists", "ApiAlreadyExists"],
    [409, "Conflict", "ApiConflict"],
    [410, "Expired", "ApiExpired"],
    [422, "Invalid", "ApiInvalid"],
  ])("status %i %s is %s, with verb, resource, place and the server's words", async (status, reason, code) => {
    const server = await startApiServer((_seen, response) => refuse(response, status, reason, "so it is"));
    const error = await failure(openClient(server.url).patch(JOBS, "ns", "j", {}));
    expect(error.code).toBe(code);
    expect(error.message).toBe(`Cannot patch jobs ns/j: the API server answers ${status} ${reason}: so it is`);
    expect(error.facts).toMatchObject({ status, reason, verb: "patch", resource: "jobs", namespace: "ns", name: "j" });
    expect(server.seen.length).toBe(1);
  });

  test.each([
    ["exceeded quota: small, requested: count/jobs.batch=1", /quota or an admission rule/],
    ["unable to create new content in namespace ns because it is being terminated", /quota or an admission rule/],
    [
      'User "u" cannot patch resource "jobs" in API group "batch" in the namespace "ns"',
      /Give the runner's identity the right/,
    ],
  ])("a 403 is a missing right only where the server says so: %s", async (words, advice) => {
    const message = `jobs.batch "j" is forbidden: ${words}`;
    const server = await startApiServer((_seen, response) => refuse(response, 403, "Forbidden", message));
    expect((await failure(openClient(server.url).patch(JOBS, "ns", "j", {}))).advice).toMatch(advice);
  });

  test("what is said about a Secret's content is not repeated", async () => {
    const message = 'error parsing, #10 byte of ...|"stringData":{"config":"canary-4711"}|...';
    const server = await startApiServer((_seen, response) => refuse(response, 400, "BadRequest", message));
    const error = await failure(openClient(server.url).create(SECRETS, "ns", SECRET));
    expect(explainError(error) + JSON.stringify(error.facts)).not.toContain("canary");
    expect(error.message).toContain("400 BadRequest");
  });

  test.each<[number, string, unknown, string]>([
    [
      422,
      "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
      [{ message: "no" }],
      "denied request: no",
    ],
    [422, 'admission webhook "w.test" denied the request: no', undefined, "denied the request: no"],
    [413, 'admission webhook "w.test" denied the request: no', [], "denied the request: no"],
    [
      422,
      'Secret "s" is invalid: data[k]: canary',
      [{ field: "data[k]", reason: "FieldValueInvalid", message: "canary" }],
      ": see data[k] (FieldValueInvalid)",
    ],
    [
      422,
      'Secret "s" is invalid: canary',
      [{ field: "type", message: "canary" }, { message: "canary" }, "canary", null],
      ": see type",
    ],
    [
      422,
      'Secret "s" is invalid: canary',
      [{ reason: "FieldValueInvalid", message: "canary" }],
      "its words are left out",
    ],
    [422, 'Secret "s" is invalid: canary: admission webhook "w" denied ', "canary", "its words are left out"],
  ])(
    "of what is said about a Secret, a rule's words and names of fields are repeated: %i %s %j",
    async (status, message, causes, told) => {
      const body = { kind: "Status", status: "Failure", reason: "Invalid", code: status, message, details: { causes } };
      const server = await startApiServer((_seen, response) => answer(response, status, body));
      const error = await failure(openClient(server.url).create(SECRETS, "ns", SECRET));
      expect(error.message).toContain(told);
      expect(error.message).not.toMatch(/ \(\)|see *$|see ,/);
      expect(explainError(error) + JSON.stringify(error.facts)).not.toContain("canary");
    },
  );

  test("a page of a proxy is not taken for the API server's word", async () => {
    const server = await startApiServer((_seen, response) => {
      response.writeHead(403, { "content-type": "text/html" }).end("<h1>Blocked</h1>");
    });
    expect((await failure(openClient(server.url).get(JOBS, "ns", "j"))).code).toBe("ApiAnswerUnreadable");
    server.handle = (_seen, response) => void response.writeHead(200).end("<h1>Log in</h1>");
    expect((await failure(openClient(server.url).get(JOBS, "ns", "j"))).code).toBe("ApiAnswerUnreadable");
  });

  test("an answer that is too long is given up", async () => {
    const server = await startApiServer((_seen, response) =>
      answer(response, 200, configMap("a", 1, { data: { a: "x".repeat(9000) } })),
    );
    const error = await failure(openClient(server.url, { limits: { answerBytes: 5000 } }).get(CONFIG_MAPS, "ns", "a"));
    expect(error.code).toBe("ApiAnswerUnreadable");
  });

  test("remove tells what wasn't there, and what is another object", async () => {
    const server = await startApiServer((_seen, response) => refuse(response, 404, "NotFound", "gone"));
    const api = openClient(server.url);
    expect(await api.remove(JOBS, "ns", "j", { propagation: "Background" })).toBe(false);
    server.handle = (_seen, response) => refuse(response, 409, "Conflict", "the UID in the precondition differs");
    expect(await api.remove(JOBS, "ns", "j", { propagation: "Background", uid: "u" })).toBe(false);
  });
});

describe("retries", () => {
  test("429 is tried again after what the server asks for", async () => {
    const at: number[] = [];
    const server = await startApiServer((_seen, response) => {
      at.push(performance.now());
      if (at.length === 1) refuse(response, 429, "TooManyRequests", "slow down", { "retry-after": "1" });
      else answer(response, 200, configMap("a", 1));
    });
    await openClient(server.url).create(CONFIG_MAPS, "ns", MAP);
    expect(at.length).toBe(2);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(990);
  });

  test("5xx and cut connections are tried again, and one call has one limit", async () => {
    let calls = 0;
    const server = await startApiServer((seen, response) => {
      calls += 1;
      if (calls === 1) refuse(response, 500, "InternalError", "etcd");
      else if (calls === 2) seen.socket.destroy();
      else answer(response, 200, configMap("a", 1));
    });
    const ended: EndedCall[] = [];
    await openClient(server.url, { onCall: (call) => ended.push(call) }).get(CONFIG_MAPS, "ns", "a");
    expect(ended).toMatchObject([{ verb: "get", resource: "configmaps", outcome: "ok", tries: 3 }]);
    server.handle = (_seen, response) => refuse(response, 503, "ServiceUnavailable", "shutting down");
    const error = await failure(openClient(server.url, { limits: { callMs: 1200 } }).get(CONFIG_MAPS, "ns", "a"));
    expect(error.code).toBe("ApiUnavailable");
    expect(error.message).toContain("shutting down");
  });

  test("a server that answers that it fails is taken at its word sooner, where that is asked for, than one that is away", async () => {
    const server = await startApiServer((_seen, response) =>
      refuse(response, 500, "InternalError", "a webhook is away"),
    );
    const client = openClient(server.url);
    const options = { refusedMs: 1 };
    for (const call of [
      client.create(CONFIG_MAPS, "ns", MAP, undefined, options),
      client.patch(CONFIG_MAPS, "ns", "a", {}, undefined, options),
    ])
      expect(await failure(call)).toMatchObject({ code: "ApiUnavailable", facts: { status: 500 } });
    let calls = 0;
    server.handle = (seen, response) => {
      calls += 1;
      if (calls < 3) seen.socket.destroy();
      else answer(response, 200, configMap("a", 1));
    };
    await client.create(CONFIG_MAPS, "ns", MAP, undefined, options);
    expect(calls).toBe(3);
  });

  test("a create that was cut and then meets its object says that it may be its own", async () => {
    let calls = 0;
    const server = await startApiServer((seen, response) => {
      calls += 1;
      if (calls === 1) seen.socket.destroy();
      else refuse(response, 409, "AlreadyExists", "it exists");
    });
    const error = await failure(openClient(server.url).create(CONFIG_MAPS, "ns", MAP));
    expect([error.code, error.facts["repeated"]]).toEqual(["ApiAlreadyExists", true]);
    const other = await failure(openClient(server.url).create(CONFIG_MAPS, "ns", MAP));
    expect([other.code, other.facts["repeated"]]).toEqual(["ApiAlreadyExists", undefined]);
  });

  test("after 429 a create has not happened, and isn't called repeated", async () => {
    let calls = 0;
    const server = await startApiServer((_seen, response) => {
      calls += 1;
      if (calls === 1) refuse(response, 429, "TooManyRequests", "slow down");
      else refuse(response, 409, "AlreadyExists", "it exists");
    });
    const error = await failure(openClient(server.url).create(CONFIG_MAPS, "ns", MAP));
    expect(error.facts["repeated"]).toBeUndefined();
  });

  test("a delete that was cut and then finds nothing has removed it", async () => {
    let calls = 0;
    const server = await startApiServer((seen, response) => {
      calls += 1;
      if (calls === 1) seen.socket.destroy();
      else refuse(response, 404, "NotFound", "gone");
    });
    expect(await openClient(server.url).remove(JOBS, "ns", "j", { propagation: "Background" })).toBe(true);
  });

  test("a server that takes the request and never answers is left after the limit of a try", async () => {
    let calls = 0;
    const server = await startApiServer((_seen, response) => {
      calls += 1;
      if (calls > 1) answer(response, 200, configMap("a", 1));
    });
    const api = openClient(server.url, { limits: { answerMs: 200 } });
    expect((await api.get(CONFIG_MAPS, "ns", "a")).metadata.name).toBe("a");
    expect(calls).toBe(2);
  });

  test("credentials that never come don't hold a call up beyond its limit", async () => {
    const config = accessTo("http://127.0.0.1:1", {
      current: () => new Promise(() => undefined),
      refused: () => undefined,
    });
    const error = await failure(openClient(config, { limits: { callMs: 200 } }).get(CONFIG_MAPS, "ns", "a"));
    expect([error.code, error.message]).toEqual([
      "ApiUnavailable",
      "Cannot get configmaps ns/a: not done within 200 ms",
    ]);
  });

  test("a caller who gives up gets their own reason, and nothing is tried any more", async () => {
    const server = await startApiServer((_seen, response) => refuse(response, 500, "InternalError", "etcd"));
    const giveUp = new AbortController();
    const call = openClient(server.url).get(CONFIG_MAPS, "ns", "a", giveUp.signal);
    await eventually(() => expect(server.seen.length).toBeGreaterThan(0));
    giveUp.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });

  test("a place where nothing listens is told in words", async () => {
    const server = await startApiServer(() => undefined);
    const api = openClient("http://127.0.0.1:1", { limits: { callMs: 600 } });
    const error = await failure(api.list(CONFIG_MAPS, "ns"));
    expect(explainError(error)).toContain(
      "Cannot list configmaps in ns: the API server doesn't answer: Cannot connect",
    );
    expect(explainError(error)).toContain("nothing listens there");
    expect(server.seen).toEqual([]);
  });

  test("a closed client calls nobody", async () => {
    const server = await startApiServer(() => undefined);
    const api = openClient(server.url);
    const waiting = failure(api.get(CONFIG_MAPS, "ns", "a"));
    await eventually(() => expect(server.seen.length).toBe(1));
    await api.close();
    expect((await waiting).message).toContain("this client is closed");
    expect((await failure(api.get(CONFIG_MAPS, "ns", "a"))).message).toContain("this client is closed");
    await eventually(() => expect(server.connections()).toBe(0));
  });
});

describe("401", () => {
  test("asks for credentials anew once and repeats the call", async () => {
    const server = await startApiServer((seen, response) => {
      if (seen.headers.authorization === "Bearer new") answer(response, 200, configMap("a", 1));
      else refuse(response, 401, "Unauthorized", "expired");
    });
    const refusedOnes: unknown[] = [];
    let token = "old";
    const identities = new Map(
      ["old", "new"].map((name) => [name, { headers: { authorization: `Bearer ${name}` }, tls: {} }]),
    );
    const credentials = {
      current: async () => identities.get(token) ?? { headers: {}, tls: {} },
      refused: (identity: unknown) => {
        refusedOnes.push(identity);
        token = "new";
      },
    };
    const api = openClient(accessTo(server.url, credentials));
    expect((await api.get(CONFIG_MAPS, "ns", "a")).metadata.name).toBe("a");
    expect(refusedOnes).toEqual([identities.get("old")]);
    expect(server.seen.length).toBe(2);
  });

  test("with the same credentials again it is an error that names none of them", async () => {
    const server = await startApiServer((_seen, response) => refuse(response, 401, "Unauthorized", "Unauthorized"));
    const error = await failure(openClient(server.url).get(CONFIG_MAPS, "ns", "a"));
    expect(error.code).toBe("ApiUnauthorized");
    expect(explainError(error)).not.toContain("the-token");
    expect(server.seen.length).toBe(1);
  });
});

test("allowed and version read what the server says", async () => {
  const server = await startApiServer((seen, response) => {
    if (seen.path === "/version") answer(response, 200, { major: "1", minor: "34+", gitVersion: "v1.34.4-gke.1" });
    else
      answer(response, 201, {
        kind: "SelfSubjectAccessReview",
        metadata: {},
        status: { allowed: seen.body.includes('"verb":"get"') },
      });
  });
  const api = openClient(server.url, { clock: systemClock });
  expect(await api.version()).toEqual({ major: 1, minor: 34, text: "v1.34.4-gke.1" });
  expect(await api.allowed({ verb: "get", group: "", resource: "pods", subresource: "log", namespace: "ns" })).toBe(
    true,
  );
  expect(await api.allowed({ verb: "list", group: "", resource: "secrets", namespace: "ns" })).toBe(false);
  expect(JSON.parse(server.seen[1]?.body ?? "").spec.resourceAttributes).toEqual({
    verb: "get",
    group: "",
    resource: "pods",
    subresource: "log",
    namespace: "ns",
  });
});
