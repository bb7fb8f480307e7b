import { execFile } from "node:child_process";
import { appendFile, chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const BIN = process.env["POSTGRES_BIN"] ?? "/usr/lib/postgresql/15/bin";
/** It refuses to run as root. */
const USER = "postgres";

/** A real PostgreSQL with a small shop in it, which pods of the test cluster reach. */
export interface Postgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  close(): Promise<void>;
}

/** Starts one on `host`, with a password of its own and two tables. */
export async function startPostgres(host: string): Promise<Postgres> {
  const directory = await mkdtemp(join(tmpdir(), "postgres-"));
  await chmod(directory, 0o777);
  const data = join(directory, "data");
  const password = `pw-${crypto.randomUUID()}`;
  const port = await freePort(host);
  await writeFile(join(directory, "pw"), password, { mode: 0o644 });
  await asUser(`${BIN}/initdb`, "-D", data, "-U", "shop", "-A", "scram-sha-256", "--pwfile", join(directory, "pw"));
  await appendFile(join(data, "pg_hba.conf"), "host all all all scram-sha-256\n");
  const options = `-c listen_addresses=${host} -p ${port} -k ${directory} -c fsync=off`;
  await asUser(`${BIN}/pg_ctl`, "-D", data, "-w", "-o", options, "-l", join(directory, "log"), "start");
  const address = `postgresql://shop:${password}@${host}:${port}`;
  await run("psql", [`${address}/postgres`, "-c", "create database shop"]);
  const tables =
    "create table customer (id int primary key, name text); create table orders (id int primary key, customer int)";
  await run("psql", [`${address}/shop`, "-c", tables]);
  return {
    port,
    user: "shop",
    password,
    database: "shop",
    async close() {
      await asUser(`${BIN}/pg_ctl`, "-D", data, "-m", "immediate", "stop");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function asUser(program: string, ...args: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) await run(program, [...args], { cwd: "/" });
  else await run("setpriv", ["--reuid", USER, "--regid", USER, "--clear-groups", program, ...args], { cwd: "/" });
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
