import { expect, test } from "vitest";
import { TestGateway } from "../test-gateway.ts";

test("a body that is no JSON is refused with the place and in words", async () => {
  const gateway = await TestGateway.start();
  const { status, body } = await gateway.call("POST", "/api/v1/services", "name: shop\nserviceType: Mysql\n");
  expect([status, body.code]).toEqual([400, "BadRequest"]);
  expect(body.message).toMatch(/^Cannot read the body: it is not JSON: line 1, column 1: a value must stand there/);
});
