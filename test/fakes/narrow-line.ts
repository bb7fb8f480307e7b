import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const run = promisify(execFile);

/** What the line between the two ends does to packets, both ways; the kernel does it, not a model. */
export interface LineFaults {
  /** Thousand bits in a second. */
  readonly rateKbit?: number;
  /** Share of packets that are dropped at random. */
  readonly lossPercent?: number;
}

let made = 0;

/** A network namespace, joined with this one by a bad line. It needs Linux, root, and the commands ip, tc and iptables. */
export class NarrowLine {
  /** This side's address as the far side sees it: servers for the far side listen here. */
  readonly nearAddress: string;
  /** A second address of this side. */
  readonly otherAddress: string;
  /** What a command begins with to be run on the far side. */
  readonly through: readonly string[];
  readonly #name: string;

  private constructor(number: number) {
    const net = `10.${200 + Math.floor(number / 32)}.${process.pid % 256}.${(number % 32) * 8}`.split(".");
    const last = Number(net[3]);
    this.nearAddress = [...net.slice(0, 3), last + 1].join(".");
    this.otherAddress = [...net.slice(0, 3), last + 3].join(".");
    this.#name = `hr${process.pid}n${number}`;
    this.through = ["ip", "netns", "exec", this.#name];
  }

  /** Why there can be no such line here, or undefined. */
  static async missing(): Promise<string | undefined> {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need Linux and root";
    for (const command of ["ip", "tc", "iptables"]) {
      const found = await run("/bin/sh", ["-c", `command -v ${command}`]).catch(() => undefined);
      if (found === undefined) return `there is no command ${command} (scripts/install-test-tools.ts brings it)`;
    }
    return undefined;
  }

  /** Makes one; it is taken away when the test ends. */
  static async open(faults: LineFaults): Promise<NarrowLine> {
    const line = new NarrowLine(made++);
    const near = line.#name;
    const far = `${line.#name}f`;
    const farAddress = line.nearAddress.replace(/\d+$/, (last) => String(Number(last) + 1));
    onTestFinished(() => line.#remove());
    await run("ip", ["netns", "add", near]);
    await run("ip", ["link", "add", near, "type", "veth", "peer", "name", far, "netns", near]);
    await run("ip", ["addr", "add", `${line.nearAddress}/29`, "dev", near]);
    await run("ip", ["addr", "add", `${line.otherAddress}/29`, "dev", near]);
    await run("ip", ["link", "set", near, "up"]);
    await line.#onFarSide("ip", "addr", "add", `${farAddress}/29`, "dev", far);
    await line.#onFarSide("ip", "link", "set", far, "up");
    await line.#onFarSide("ip", "link", "set", "lo", "up");
    if (faults.rateKbit !== undefined) {
      const shape = ["root", "tbf", "rate", `${faults.rateKbit}kbit`, "burst", "3000", "latency", "1s"];
      await run("tc", ["qdisc", "add", "dev", near, ...shape]);
      await line.#onFarSide("tc", "qdisc", "add", "dev", far, ...shape);
    }
    if (faults.lossPercent !== undefined) {
      const drop = ["-m", "statistic", "--mode", "random", "--probability", String(faults.lossPercent / 100)];
      for (const chain of [
        ["INPUT", "-i", far],
        ["OUTPUT", "-o", far],
      ]) {
        await line.#onFarSide("iptables", "-A", ...chain, ...drop, "-j", "DROP");
      }
    }
    return line;
  }

  /** Lets the far side ask the name server on this side's address, port 53: `ip netns exec` puts the file over /etc/resolv.conf. */
  async useNameServer(): Promise<void> {
    await mkdir(this.#settings, { recursive: true });
    await writeFile(
      join(this.#settings, "resolv.conf"),
      `nameserver ${this.nearAddress}\noptions timeout:1 attempts:1\n`,
    );
  }

  /** How many packets the line has dropped at random. */
  async dropped(): Promise<number> {
    const [first = "", ...rest] = [...this.through, "iptables", "-L", "-v", "-x", "-n"];
    const { stdout } = await run(first, rest);
    return [...stdout.matchAll(/^ *(\d+) +\d+ +DROP/gm)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  get #settings(): string {
    return join("/etc/netns", this.#name);
  }

  async #onFarSide(...command: readonly string[]): Promise<void> {
    const [first = "", ...rest] = [...this.through, ...command];
    await run(first, rest);
  }

  async #remove(): Promise<void> {
    await run("ip", ["link", "del", this.#name]).catch(() => undefined);
    await run("ip", ["netns", "del", this.#name]).catch(() => undefined);
    await rm(this.#settings, { recursive: true, force: true });
  }
}
