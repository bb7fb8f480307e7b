import { expect, test } from "vitest";
import { proxyFor, proxyProblem } from "../../src/runtime/proxy-environment.ts";

const PROXY = "http://user:pass@proxy.test:3128";

test.each([
  ["https://api.test:6443", "", PROXY],
  ["https://api.test:6443", "*", undefined],
  ["https://api.test:6443", "api.test", undefined],
  ["https://api.test:6443", "other.test, API.test", undefined],
  ["https://a.api.test", "api.test", undefined],
  ["https://xapi.test", "api.test", PROXY],
  ["https://api.test", ".api.test", PROXY],
  ["https://a.api.test", ".api.test", undefined],
  ["https://a.api.test", "*.api.test", undefined],
  ["https://api.test:6443", "api.test:6443", undefined],
  ["https://api.test:6443", "api.test:443", PROXY],
  ["https://api.test", "api.test:443", undefined],
  ["https://10.96.0.1:443", "10.96.0.0/12", undefined],
  ["https://10.112.0.1:443", "10.96.0.0/12", PROXY],
  ["https://10.96.0.1", "10.96.0.1", undefined],
  ["https://10.96.0.10", "10.96.0.1", PROXY],
  ["https://[fd00::1]:6443", "fd00::/8", undefined],
  ["https://[fd00::1]:6443", "[fd00::1]:6443", undefined],
  ["https://api.test", "10.0.0.0/99,/,nonsense/8", PROXY],
  ["https://localhost:6443", "", undefined],
  ["https://127.0.0.1:6443", "", undefined],
])("%s with NO_PROXY=%s goes through %s", (url, excluded, expected) => {
  expect(proxyFor(new URL(url), { HTTPS_PROXY: PROXY, NO_PROXY: excluded })?.text).toBe(expected);
  expect(proxyFor(new URL(url), { https_proxy: PROXY, no_proxy: excluded })?.text).toBe(expected);
});

test.each([
  ["https:", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]],
  ["wss:", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]],
  ["http:", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]],
  ["ws:", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]],
])("for %s the first that is set of %j names the proxy, and no other variable", (protocol, variables) => {
  const url = new URL(`${protocol}//api.test`);
  const all = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
  const others = Object.fromEntries(
    all.filter((name) => !variables.includes(name)).map((name) => [name, "other.test"]),
  );
  expect(proxyFor(url, others)).toBeUndefined();
  for (const [at, variable] of variables.entries()) {
    const set = Object.fromEntries(variables.slice(at).map((name) => [name, `${name}.test`]));
    const empty = Object.fromEntries(variables.slice(0, at).map((name) => [name, " "]));
    expect(proxyFor(url, { ...others, ...set, ...empty })).toEqual({ variable, text: `${variable}.test` });
  }
});

test("NO_PROXY may be separated by blanks", () => {
  const environment = { HTTPS_PROXY: PROXY, NO_PROXY: "a.test  api.test,10.0.0.0/8\n" };
  expect(proxyFor(new URL("https://api.test"), environment)).toBeUndefined();
  expect(proxyFor(new URL("https://10.1.1.1"), environment)).toBeUndefined();
});

test.each([
  "socks5://proxy.test:1080",
  "socks://proxy.test",
  "ftp://proxy.test",
  "http://",
  "proxy.test:99999",
  "a b:1",
])("the proxy %s is told by its variable, without its password", (text) => {
  const url = new URL("wss://gateway.test");
  const problem = proxyProblem(url, { ALL_PROXY: text.replace("proxy.test", "user:n33dle@proxy.test") });
  expect(problem).toContain("ALL_PROXY must be the address of an HTTP proxy");
  expect(problem).toContain("gateway.test must be listed in NO_PROXY");
  expect(problem).not.toContain("n33dle");
  expect(proxyProblem(url, { ALL_PROXY: text, NO_PROXY: ".gateway.test,gateway.test" })).toBeUndefined();
  expect(proxyProblem(url, { ALL_PROXY: text, HTTPS_PROXY: "http://proxy.test" })).toBeUndefined();
});
