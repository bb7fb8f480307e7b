import { expect, test } from "vitest";
import { readProxy } from "../../src/runtime/proxy-address.ts";

test.each([
  ["proxy.test:3128", "proxy.test:3128", false],
  ["http://proxy.test", "proxy.test:80", false],
  ["HTTPS://Proxy.Test/", "Proxy.Test:443", true],
  ["http://proxy.test:8080/some/path", "proxy.test:8080", false],
  ["http://[fd00::1]:3128", "[fd00::1]:3128", false],
  ["10.0.0.1:1", "10.0.0.1:1", false],
])("readProxy of %s is %s", (text, name, secure) => {
  expect(readProxy(text)).toMatchObject({ name, secure });
  expect(readProxy(text).credentials).toBeUndefined();
});

test.each([
  ["user:pass", "user:pass"],
  ["user", "user:"],
  ["us%20er:p%40ss", "us er:p@ss"],
  ["user:100%", "user:100%"],
  ["user:%zz%", "user:%zz%"],
  ["user:50%25%", "user:50%%"],
  ["user:%ff", "user:%ff"],
  ["user:a@b", "user:a@b"],
  ["user:a/b?c#d", "user:a/b?c#d"],
  ["user:a:b", "user:a:b"],
  ["user:caf%C3%A9é", "user:caféé"],
  ["DOMAIN\\user:x", "DOMAIN\\user:x"],
])("readProxy takes %s for the credentials %s, and doesn't print them", (written, credentials) => {
  for (const text of [`http://${written}@proxy.test:3128`, `${written}@proxy.test:3128`]) {
    const proxy = readProxy(text);
    expect(proxy.credentials?.reveal()).toBe(credentials);
    expect([proxy.name, proxy.host, proxy.port]).toEqual(["proxy.test:3128", "proxy.test", 3128]);
    expect(JSON.stringify(proxy)).not.toContain(credentials);
  }
});

test.each([
  "",
  "http://",
  "http://:3128",
  "http://user:n33dle@",
  "proxy.test:port",
  "proxy.test:0",
  "proxy.test:65536",
  "http://pro xy",
  "http://[::1",
  "ssh://proxy.test",
  "socks5h://user:n33dle@proxy.test",
])("readProxy refuses %j without repeating it", (text) => {
  expect(() => readProxy(text)).toThrow(/^the address of an HTTP proxy/);
  expect(() => readProxy(text)).not.toThrow(/n33dle/);
});
