/*
 * The executable's first lines: they load the one part of the program that has the wanted command. A part is an asset, with its
 * compiled form beside it. Loading everything for each command would cost 20 ms, and a wrapper is started for every run.
 */

const { getAsset, getRawAsset } = require("node:sea");
const { Script } = require("node:vm");

const wanted = process.argv[2];
const part = PART_NAMES.includes(wanted) ? wanted : "others";

const script = new Script(getAsset(`${part}.cjs`, "utf8"), {
  filename: `${part}.cjs`,
  cachedData: new Uint8Array(getRawAsset(`${part}.cache`)),
});
script.runInThisContext()(require, process.execPath);
