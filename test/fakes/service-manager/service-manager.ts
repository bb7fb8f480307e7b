import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { eventually } from "../eventually.ts";
import { temporaryDirectory } from "../temporary-directory.ts";

const FILES = ["/lib/systemd/systemd", "/usr/lib/systemd/system/dbus.service"];
const TOOLS = ["systemctl", "systemd-run", "unshare", "nsenter", "setpriv", "runuser", "useradd", "ip"];

/** What a command ended with, and what it wrote. */
export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

/**
 * A real systemd, on a copy of this machine that lives in memory: own files, processes, network and control groups.
 * Nothing it or its services do reaches the machine. hybrid-runner is installed in /usr/local/bin.
 */
export class ServiceManager {
  readonly #outside: ChildProcess;
  readonly #pid: string;

  private constructor(outside: ChildProcess, pid: string) {
    this.#outside = outside;
    this.#pid = pid;
  }

  /** Why there can be none here; undefined when there can. */
  static async missing(): Promise<string | undefined> {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "a systemd of its own needs Linux and root";
    const absent = FILES.find((file) => !existsSync(file));
    if (absent !== undefined) return `there is no ${absent} on this machine`;
    const call = promisify(execFile);
    for (const tool of TOOLS) {
      const found = await call("sh", ["-c", `command -v ${tool}`]).then(...yesOrNo);
      if (!found) return `there is no ${tool} on this machine`;
    }
    const script =
      'd=$(mktemp -d) && mount --make-rprivate / && mount -t tmpfs tmpfs "$d" && mkdir "$d/u" "$d/w" "$d/r" "$d/g"';
    const mounts =
      'mount -t overlay overlay -o "lowerdir=/,upperdir=$d/u,workdir=$d/w" "$d/r" && mount -t cgroup2 none "$d/g"';
    const group = 'mkdir "$d/g/hybrid-runner-test-$$" && rmdir "$d/g/hybrid-runner-test-$$"';
    const able = await call("unshare", [
      ...["--mount", "--ipc", "--uts", "--net", "--pid", "--cgroup", "--fork", "bash", "-c"],
      `${script} && ${mounts} && ${group}; code=$?; umount -R "$d"; rmdir "$d"; exit $code`,
    ]).then(...yesOrNo);
    return able ? undefined : "mounts, namespaces and control groups of its own can't be made here";
  }

  /** Ends with the test, with all that it started. */
  static async start(executable: string): Promise<ServiceManager> {
    const directory = await temporaryDirectory();
    const script = join(import.meta.dirname, "outside.sh");
    const outside = spawn("unshare", ["--mount", "bash", script, directory, executable], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(outside, "exit");
    onTestFinished(async () => {
      outside.stdin.end();
      await ended;
    });
    for await (const line of createInterface({ input: outside.stdout })) {
      const manager = new ServiceManager(outside, line);
      await eventually(async () => {
        const { stdout, stderr } = await manager.run("systemctl is-system-running");
        if (stdout !== "running\n") throw new Error(`systemd is not running: ${stdout}${stderr}`);
      });
      return manager;
    }
    throw new Error("systemd didn't start; what it says stands above");
  }

  /** Runs a command of bash as root beside the services, like an operator who is signed in. */
  async run(command: string, input = ""): Promise<Outcome> {
    if (this.#outside.exitCode !== null) throw new Error("systemd has ended");
    const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const child = spawn("nsenter", [`--target=${this.#pid}`, ...namespaces, "bash", "-c", command], {
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C.UTF-8" },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin.on("error", () => undefined).end(input);
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    if (code === null) throw new Error(`${command} ended by ${signal}`);
    return { code, stdout, stderr };
  }

  /** The same, for what must succeed; gives what was written to standard output. */
  async must(command: string, input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, input);
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }
}

const yesOrNo = [(): boolean => true, (): boolean => false] as const;
