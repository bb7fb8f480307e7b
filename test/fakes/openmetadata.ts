import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

type Entity = Record<string, unknown> & { id: string; fullyQualifiedName: string };

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/**
 * A server with as much of OpenMetadata's API as its ingestion framework needs to store databases, schemas and tables of a
 * database service (seen with openmetadata-ingestion 1.13). It keeps what it gets and checks nothing.
 */
export interface OpenMetadataFake {
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** Fully qualified names of what was stored under this path, for example `tables`. */
  names(collection: string): readonly string[];
  /** Newest status of each run, by run id. */
  readonly pipelineStatuses: ReadonlyMap<string, Record<string, unknown>>;
  close(): Promise<void>;
}

/** Kinds of the references that a body names by their fully qualified name. */
const REFERENCES: Readonly<Record<string, string>> = {
  service: "databaseService",
  database: "database",
  databaseSchema: "databaseSchema",
};
/** Field that makes the first part of the fully qualified name. */
const PARENTS: Readonly<Record<string, string>> = {
  databases: "service",
  databaseSchemas: "database",
  tables: "databaseSchema",
  storedProcedures: "databaseSchema",
};

/** Listens on `host`; pods of a test cluster need one that they reach. */
export async function startOpenMetadata(host = "127.0.0.1"): Promise<OpenMetadataFake> {
  const collections = new Map<string, Map<string, Entity>>();
  const requests: SeenRequest[] = [];
  const statuses = new Map<string, Record<string, unknown>>();
  const collection = (name: string): Map<string, Entity> => {
    const known = collections.get(name) ?? new Map<string, Entity>();
    collections.set(name, known);
    return known;
  };

  const put = (kind: string, body: Record<string, unknown>): Entity => {
    const parent = body[PARENTS[kind] ?? ""];
    const name = String(body["name"]);
    const fullyQualifiedName = typeof parent === "string" ? `${parent}.${name}` : name;
    const entity: Entity = {
      ...body,
      id: crypto.randomUUID(),
      fullyQualifiedName,
      version: 0.1,
      updatedAt: Date.now(),
    };
    for (const [field, type] of Object.entries(REFERENCES)) {
      if (typeof body[field] !== "string") continue;
      entity[field] = { id: crypto.randomUUID(), type, name: body[field], fullyQualifiedName: body[field] };
    }
    if (Array.isArray(body["columns"])) {
      entity["columns"] = (body["columns"] as Record<string, unknown>[]).map((column) => ({
        ...column,
        fullyQualifiedName: `${fullyQualifiedName}.${String(column["name"])}`,
      }));
    }
    const kept = { ...entity, id: collection(kind).get(fullyQualifiedName)?.id ?? entity.id };
    collection(kind).set(fullyQualifiedName, kept);
    return kept;
  };

  const answer = (method: string, path: string, body: string): { status: number; body?: unknown } => {
    const { pathname } = new URL(path, "http://here");
    const parts = pathname
      .replace(/^\/api\/v1\//, "")
      .split("/")
      .map(decodeURIComponent);
    if (pathname.endsWith("/system/version"))
      return { status: 200, body: { version: "1.13.6", revision: "x", timestamp: 1 } };
    const statusAt = parts.indexOf("pipelineStatus");
    if (statusAt >= 0) {
      if (method === "GET") {
        const known = statuses.get(parts[statusAt + 1] ?? "");
        return known === undefined
          ? { status: 404, body: { code: 404, message: "no such run" } }
          : { status: 200, body: known };
      }
      const status = JSON.parse(body) as Record<string, unknown>;
      statuses.set(String(status["runId"]), status);
      return { status: 201, body: status };
    }
    if (pathname.includes("testConnectionDefinitions")) return { status: 200, body: definition(parts.at(-1) ?? "") };
    const kind = parts.find((part) => part in PARENTS || part.endsWith("Services") || part === "ingestionPipelines");
    if (kind === undefined) return { status: 404, body: { code: 404, message: `no ${pathname}` } };
    if (method === "PUT" || method === "POST") {
      const wish = JSON.parse(body) as Record<string, unknown> | Record<string, unknown>[];
      if (!Array.isArray(wish)) return { status: 200, body: put(kind, wish) };
      for (const one of wish) put(kind, one);
      const rows = wish.map((request) => ({ request: { name: request["name"] }, status: 200 }));
      return {
        status: 200,
        body: {
          dryRun: false,
          status: "success",
          numberOfRowsProcessed: wish.length,
          numberOfRowsPassed: wish.length,
          numberOfRowsFailed: 0,
          successRequest: rows,
          failedRequest: [],
        },
      };
    }
    if (method !== "GET") return { status: 200, body: {} };
    const at = parts.indexOf("name");
    if (at < 0)
      return { status: 200, body: { data: [...collection(kind).values()], paging: { total: collection(kind).size } } };
    const found = collection(kind).get(parts.slice(at + 1).join("/"));
    return found === undefined
      ? { status: 404, body: { code: 404, message: "not found" } }
      : { status: 200, body: found };
  };

  const server: Server = createServer((request, response) => {
    void read(request).then((body) => {
      const path = request.url ?? "/";
      requests.push({ method: request.method ?? "GET", path, authorization: request.headers.authorization, body });
      const { status, body: said } = answer(request.method ?? "GET", path, body);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(said ?? {}));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    names: (name) => [...collection(name).keys()].sort(),
    pipelineStatuses: statuses,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What the framework's test of a connection consists of: here only that it opens. */
function definition(name: string): unknown {
  const step = { name: "CheckAccess", description: "opens a connection", mandatory: true, shortCircuit: true };
  return { id: crypto.randomUUID(), name, fullyQualifiedName: name, steps: [step] };
}

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const piece of request) text += piece;
  return text;
}
