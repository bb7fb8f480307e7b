import { expect, test } from "vitest";
import { programEnvironment, supervisorEnvironment } from "../../../src/executor/process/clean-environment.ts";

const own = {
  PATH: "/bin",
  HOME: "/root",
  LC_ALL: "C.UTF-8",
  HTTPS_PROXY: "http://proxy",
  no_proxy: "localhost",
  SSL_CERT_FILE: "/ca.pem",
  AUTH_TOKEN: "token",
  AUTH_TOKEN_FILE: "/token",
  HYBRID_RUNNER_SECRET_DB: "value",
  MY_SECRET_DB: "value",
  AWS_SECRET_ACCESS_KEY: "key",
  SOMETHING: "else",
};

test("a program's environment is the allow-list, unbuffered Python and the extras", () => {
  expect(programEnvironment(own, { EXTRA: "1", PATH: "/opt/bin" })).toEqual({
    PATH: "/opt/bin",
    HOME: "/root",
    LC_ALL: "C.UTF-8",
    HTTPS_PROXY: "http://proxy",
    no_proxy: "localhost",
    SSL_CERT_FILE: "/ca.pem",
    PYTHONUNBUFFERED: "1",
    EXTRA: "1",
  });
});

test("a supervisor's environment has the secret store's variables besides, under any prefix that was configured", () => {
  const names = (patterns?: readonly string[]): string[] => Object.keys(supervisorEnvironment(own, patterns)).sort();
  const allowed = ["HOME", "HTTPS_PROXY", "HYBRID_RUNNER_SECRET_DB", "LC_ALL", "PATH", "SSL_CERT_FILE", "no_proxy"];
  expect(names()).toEqual(allowed);
  expect(names(["MY_SECRET_*"])).toEqual([...allowed, "MY_SECRET_DB"].sort());
});

test("the runner's token is never passed on, even if somebody asks for it", () => {
  expect(programEnvironment(own, { AUTH_TOKEN: "token" })).not.toHaveProperty("AUTH_TOKEN");
  expect(supervisorEnvironment(own, ["AUTH_TOKEN*"])).not.toHaveProperty("AUTH_TOKEN");
});
