import { expect, test } from "vitest";
import { imageForServer, imageVersion, judgeImageVersion } from "../../../../src/executor/pods/images/image-version.ts";

const COLLATE = "registry.example.com:5000/collate/ingestion-slim:om-1.13.3-cl-1.12.9";

test.each([
  ["openmetadata/ingestion:1.13.3", "1.13.3"],
  ["openmetadata/ingestion:1.13.3.2", "1.13.3.2"],
  ["openmetadata/ingestion:v1.13.3-arm64", "1.13.3"],
  [COLLATE, "1.13.3"],
  ["registry.example.com/a:cl-1.12.9-om-1.13.3", "1.13.3"],
  [`openmetadata/ingestion:1.13.3@sha256:${"0".repeat(64)}`, "1.13.3"],
  ["openmetadata/ingestion:latest", undefined],
  ["openmetadata/ingestion", undefined],
  ["10.1.2.3:5000/ingestion", undefined],
])("the version of %s is %s", (image, version) => {
  expect(imageVersion(image)).toBe(version);
});

test("judgeImageVersion compares the first two numbers and tells both versions when they differ", () => {
  expect(judgeImageVersion(COLLATE, "1.13.0")).toEqual({ verdict: "fits" });
  expect(judgeImageVersion(COLLATE, "1.13.9-SNAPSHOT")).toEqual({ verdict: "fits" });
  expect(judgeImageVersion(COLLATE, "1.12.3")).toEqual({
    verdict: "differs",
    reason: "the ingestion image is of 1.13.3, the server of 1.12.3",
  });
  expect(judgeImageVersion("a:1.1.0", "1.10.0")).toMatchObject({ verdict: "differs" });
});

test("judgeImageVersion judges nothing it can't read", () => {
  expect(judgeImageVersion("a:latest", "1.13.3")).toMatchObject({ verdict: "unknown" });
  expect(judgeImageVersion(COLLATE, "unknown")).toMatchObject({ verdict: "unknown" });
});

test.each([
  [COLLATE, "1.14.0", "registry.example.com:5000/collate/ingestion-slim:om-1.14.0-cl-1.14.0"],
  ["openmetadata/ingestion:1.13.3.2", "1.14.1", "openmetadata/ingestion:1.14.1"],
  ["openmetadata/ingestion:v1.13.3-arm64", "1.14.1-SNAPSHOT", "openmetadata/ingestion:v1.14.1-arm64"],
])("the image %s for a server %s is %s", (image, server, expected) => {
  expect(imageForServer(image, server)).toEqual({ image: expected });
});

test.each([
  ["openmetadata/ingestion:latest", "1.14.0", "the ingestion image's tag holds no version"],
  ["openmetadata/ingestion", "1.14.0", "the ingestion image's tag holds no version"],
  [`a:1.2.3@sha256:${"0".repeat(64)}`, "1.14.0", "the ingestion image is named by its digest, which is of one version"],
  ["a:1.2.3", "next", "the server's version is unreadable"],
])("there is no image made of %s for a server %s", (image, server, reason) => {
  expect(imageForServer(image, server)).toEqual({ reason });
});
