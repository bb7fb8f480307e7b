import { expect, test } from "vitest";
import { proxyFor } from "../../src/runtime/proxy-environment.ts";

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
  expect(proxyFor(new URL(url), { HTTPS_PROXY: PROXY, NO_PROXY: excluded })).toBe(expected);
  expect(proxyFor(new URL(url), { https_proxy: PROXY, no_proxy: excluded })).toBe(expected);
});

test("each protocol has its own variable, and a proxy may be named without one", () => {
  const environment = { HTTP_PROXY: "plain.test:3128" };
  expect(proxyFor(new URL("https://api.test"), environment)).toBeUndefined();
  expect(proxyFor(new URL("http://api.test"), environment)).toBe("http://plain.test:3128");
});
