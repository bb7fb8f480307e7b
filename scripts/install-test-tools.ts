/*
 * Brings what a few tests use beyond npm's packages, when it is missing: ip, tc, iptables, openssl, promtool, musl-gcc, tinyproxy, systemd
 * with D-Bus and python3 with PyYAML, on Debian and its kin, and into node_modules two versions of SQLAlchemy, whose quoting a test compares ours with.
 * Without them, or without root, those tests print why they are skipped.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PACKAGES = {
  ip: "iproute2",
  tc: "iproute2",
  iptables: "iptables",
  openssl: "openssl",
  promtool: "prometheus",
  "musl-gcc": "musl-tools",
  tinyproxy: "tinyproxy",
  "test -x /lib/systemd/systemd": "systemd",
  "test -e /usr/lib/systemd/system/dbus.service": "dbus",
  "python3 -c 'import yaml'": "python3-yaml",
} as const;

const missing = Object.entries(PACKAGES).filter(([command]) => {
  return !works("/bin/sh", "-c", command.includes(" ") ? command : `command -v ${command}`);
});
const packages = [...new Set(missing.map(([, name]) => name))];

if (packages.length === 0) {
  say("all test tools are here");
} else if (process.platform !== "linux" || process.getuid?.() !== 0 || !works("apt-get", "--version")) {
  say(`not installed, as this needs root and apt-get: ${packages.join(", ")}`);
} else {
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  if (!works("apt-get", ...install) && !(works("apt-get", "update") && works("apt-get", ...install))) {
    say(`could not be installed: ${packages.join(", ")}`);
    process.exitCode = 1;
  } else {
    say(`installed: ${packages.join(", ")}`);
  }
}

/** Two generations of SQLAlchemy don't live side by side, so each has a folder. */
const PYTHON_PACKAGES = {
  "sqlalchemy-1.4": ["sqlalchemy==1.4.54"],
  "sqlalchemy-2.0": ["sqlalchemy==2.0.44", "typing_extensions==4.15.0"],
} as const;

for (const [folder, wanted] of Object.entries(PYTHON_PACKAGES)) {
  const target = `node_modules/.cache/test-tools/${folder}`;
  if (existsSync(target)) continue;
  const done = works("python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, ...wanted);
  say(`${done ? "installed" : "not installed, as python3 with pip is needed"}: ${wanted.join(" ")}`);
}

function works(command: string, ...args: readonly string[]): boolean {
  return (
    spawnSync(command, args, { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } }).status ===
    0
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
