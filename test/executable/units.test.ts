import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { ServiceManager } from "../fakes/service-manager/service-manager.ts";
import { BUILD_LIMIT_MS, builtExecutable } from "./built-executable.ts";

/* Units, files and commands of docs/operations.md, as they are printed, under a real systemd. */

const DATA = "/var/lib/hybrid-runner";
const WORK = `${DATA}/work`;
const API = "http://127.0.0.1:8580/api/v1";

/** Says where it is and what it may write, waits for a word, and ends. */
const PROGRAM = `
echo "starts in $PWD, at home in $HOME"
echo written > in-the-working-directory && echo "temporary file $(mktemp)"
(echo no > /etc/of-the-program) 2> /dev/null && echo "wrote to /etc"
until [ -e go-on ]; do sleep 0.1; done
echo "went on"
`;

type Page = {
  /** What the page says stands in the file of this path. */
  readonly files: ReadonlyMap<string, string>;
  readonly blocks: readonly string[];
};

/** A section of the page: code after a sentence that names a file of /etc is that file, else it is for the shell. */
async function section(title: string): Promise<Page> {
  const page = await readFile(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const text = page.split(/^##+ /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  const files = new Map<string, string>();
  const blocks: string[] = [];
  for (const [, before = "", indent = "", code = ""] of text.matchAll(
    /^(.*)\n\n( *)```(?:sh|ini)\n([\s\S]*?)^ *```$/gm,
  )) {
    const path = /`(\/etc\/[^`]+)`/.exec(before)?.[1];
    if (path === undefined) blocks.push(code.replaceAll(new RegExp(`^${indent}`, "gm"), "").replaceAll("\\\n", ""));
    else files.set(path, code);
  }
  return { files, blocks };
}

const lines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

test(
  "docs/operations.md makes services whose runs outlive a restart, and commands that show what they have",
  async (context) => {
    const missing = await ServiceManager.missing();
    if (missing !== undefined) return context.skip(missing);
    const machine = await ServiceManager.start(await builtExecutable());
    const write = (path: string, text: string): Promise<string> =>
      machine.must(`mkdir -p "$(dirname ${path})" && cat > ${path}`, text);
    const api = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const admin = `$(cat ${DATA}-gateway/admin-token)`;
      const curl = `curl -sS --fail-with-body -X ${method} ${API}${path} -H "Authorization: Bearer ${admin}"`;
      const sent = body === undefined ? "" : ` -H 'Content-Type: application/json' -d @-`;
      return JSON.parse(await machine.must(curl + sent, JSON.stringify(body ?? ""))) as Record<string, unknown>;
    };
    const unit = async (property: string): Promise<string> =>
      (await machine.must(`systemctl show --property=${property} --value hybrid-runner`)).trim();

    // The ingestion program is one's own. The gateway of the example is elsewhere, and has TLS.
    await machine.must("mkdir -p /opt/ingestion/bin && ln -s /bin/sh /opt/ingestion/bin/python");
    await write("/opt/ingestion/main.py", PROGRAM);
    const recipe = await section("On a virtual machine, with systemd");
    expect(recipe.files.size).toBe(4);
    for (const [path, text] of recipe.files) {
      const here = text.replace("SERVER_URL=gateway.example.com", "SERVER_URL=ws://127.0.0.1:8580");
      expect(here !== text).toBe(path === "/etc/hybrid-runner/environment");
      await write(path, here);
    }
    const environmentFile = await machine.must("cat /etc/hybrid-runner/environment");
    // The token that one of them prints is pasted where another waits for it.
    let token = "";
    for (const block of recipe.blocks) token = (await machine.must(`set -e\n${block}`, token)) || token;
    const connected = (): Promise<void> =>
      eventually(async () => expect(await api("GET", "/runners/acme-berlin")).toMatchObject({ status: "Connected" }));
    await connected();

    // The check commands see what the services see.
    const check = (await section("See the effective configuration")).blocks.flatMap(lines);
    expect(check.length).toBe(2);
    for (const [index, service] of ["hybrid-runner", "hybrid-runner-gateway"].entries()) {
      const pid = (await machine.must(`systemctl show --property=MainPID --value ${service}`)).trim();
      const variables = (await machine.must(`cat /proc/${pid}/environ`)).split("\0");
      const show = index === 0 ? "config show" : "gateway config show";
      const seen = `xargs -0 sh -c 'exec runuser -u ${service} -- env -i "$@" hybrid-runner ${show}' -`;
      const shown = await machine.must(check[index] ?? "");
      expect(shown).toBe(await machine.must(seen, variables.join("\0")));
      for (const variable of lines(recipe.files.get(`/etc/${service}/environment`) ?? "")) {
        expect(variables.some((other) => other.split("=")[0] === variable.split("=")[0])).toBe(true);
        expect(shown).toContain(variable.split("=")[0]);
      }
    }

    // A program starts where it may write, and lives on while the runner is restarted.
    const service = await api("POST", "/services", {
      name: "shop",
      serviceType: "Postgres",
      runnerId: "acme-berlin",
      connection: { config: { type: "Postgres", hostPort: "db.example.com:5432", username: "reader" } },
    });
    const { pipelineId } = await api("POST", "/pipelines", {
      name: "shop-metadata",
      serviceId: service["serviceId"],
      pipelineType: "metadata",
      sourceConfig: { type: "DatabaseMetadata" },
    });
    await api("POST", `/pipelines/${String(pipelineId)}/deploy`);
    const { run } = await api("POST", `/pipelines/${String(pipelineId)}/run`);
    const runId = String((run as Record<string, unknown>)["runId"]);
    const logs = (await section("Logs, and how long they stay")).blocks.flatMap(lines);
    const [list = "", show = ""] = logs.map((command) => command.replace(/RUN$/, runId));
    await eventually(async () => {
      const { stdout } = await machine.run(show);
      expect(stdout).toContain(`starts in ${WORK}, at home in ${WORK}`);
      expect(stdout).toContain("temporary file /tmp/");
    });
    const before = await unit("MainPID");
    await machine.must("systemctl restart hybrid-runner");
    expect(await unit("MainPID")).not.toBe(before);
    await connected();
    expect(await api("GET", `/runs/${runId}`)).toMatchObject({ state: "running" });
    await machine.must(`runuser -u hybrid-runner -- touch ${WORK}/go-on`);
    await eventually(async () => expect(await api("GET", `/runs/${runId}`)).toMatchObject({ state: "success" }));
    expect(await machine.must(`cat ${WORK}/in-the-working-directory`)).toBe("written\n");

    // Root reads the logs without leaving a trace, others are told that they can't.
    expect(await machine.must(list)).toContain(runId);
    const log = await machine.must(show);
    expect(log).toContain("went on");
    expect(log).not.toContain("wrote to /etc");
    expect(await machine.must(`find ${DATA} ! -user hybrid-runner`)).toBe("");
    const asOther = await machine.run(`runuser -u nobody -- ${show}`);
    expect(asOther).toMatchObject({ code: 1, stdout: "" });
    expect(asOther.stderr).toContain(`${DATA} is closed to this user`);
    const elsewhere = await machine.run(`hybrid-runner logs ${runId}`);
    expect(elsewhere).toMatchObject({ code: 2, stdout: "" });
    expect(elsewhere.stderr).toContain("there is no directory /root/");
    const asOtherElsewhere = await machine.run(`runuser -u nobody -- hybrid-runner logs ${runId}`);
    expect(asOtherElsewhere).toMatchObject({ code: 2, stdout: "" });
    for (const { stderr } of [asOther, elsewhere, asOtherElsewhere]) {
      expect(stderr).toContain("--data-directory");
      expect(stderr).not.toMatch(/^\s+at /m);
    }

    // A wrong configuration isn't started again and again; the check says what is wrong with it.
    await write("/etc/hybrid-runner/environment", `${environmentFile}EXECUTOR_TYPE=teapot\n`);
    await machine.run("systemctl restart hybrid-runner");
    await eventually(async () => expect(await unit("ActiveState")).toBe("failed"));
    expect(await unit("ExecMainStatus")).toBe("2");
    expect(await unit("NRestarts")).toBe("0");
    const wrong = await machine.run(check[0] ?? "");
    expect(wrong.code).toBe(2);
    expect(wrong.stdout).toContain("EXECUTOR_TYPE");
    await write("/etc/hybrid-runner/environment", environmentFile);
    await machine.must("systemctl restart hybrid-runner");
    await connected();
  },
  BUILD_LIMIT_MS + 180_000,
);
