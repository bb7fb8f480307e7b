import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { testAuthority } from "../runtime/certificates.ts";
import { startRunner } from "./runner.ts";

test("connection over wss trusts an authority of its own only when it is given, and says what to do", async (context) => {
  const authority = await testAuthority();
  if (authority === undefined) return context.skip("there is no openssl command to make certificates with");
  const gateway = await FakeGateway.start({}, { tls: authority.issue("IP:127.0.0.1", 2) });
  const stranger = startRunner({ url: gateway.url });
  await eventually(() => expect(stranger.connection.status()).toMatchObject({ reason: "disconnected" }));
  expect(stranger.lines[0]).toMatchObject({
    found: expect.stringContaining("an authority that is not trusted here"),
    next: expect.stringContaining("SERVER_EXTRA_CA_FILE"),
  });
  await stranger.connection.close("normal", 0);
  expect(gateway.dials).toEqual([]);
  const friend = startRunner({ url: gateway.url, caCertificates: async () => [authority.certificate] });
  await (await gateway.session(0)).expect("inStep");
  await eventually(() => expect(friend.connection.status().state).toBe("ready"));
});
