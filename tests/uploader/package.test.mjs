// The uploader as it is published: its size, its files, its types.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const web = path.join(root, "web");
const read = (...names) => readFileSync(path.join(...names), "utf8");

test("the module is no larger than 4 kB gzipped, as it lies there", () => {
  const { length } = gzipSync(read(web, "uploader.js"), { level: 9 });
  assert.ok(length <= 4096, `${length} bytes`);
});

test("the module imports nothing", () => {
  assert.doesNotMatch(read(web, "uploader.js"), /\bimport\b|\brequire\b/);
});

test("the package holds the module, its types and the licences, and nothing of the page", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"], { cwd: web });
  const answer = JSON.parse(stdout);
  // npm 12 tells packages by name.
  const [{ files }] = Object.values(answer);
  const names = files.map(({ path }) => path).sort();
  assert.deepEqual(names, ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", "uploader.d.ts", "uploader.js"]);
});

test("the package's licences and version are the project's", () => {
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) assert.equal(read(web, name), read(root, name));
  assert.equal(JSON.parse(read(web, "package.json")).version, /^version = "(.+)"$/m.exec(read(root, "Cargo.toml"))[1]);
});

test("the codes of a problem are those that the API's document lists", () => {
  const [, union] = /^export type ProblemCode =$([^;]+);/m.exec(read(web, "uploader.d.ts"));
  const typed = [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code).sort();
  const codes = (node) => Object.entries(node ?? {}).flatMap(([key, value]) => (key === "code" && value.enum) || (typeof value === "object" ? codes(value) : []));
  assert.deepEqual(typed, [...new Set(codes(JSON.parse(read(root, "docs", "openapi.json"))))].sort());
});

test("the types are those of the module, and hold under strict", async () => {
  const exported = Object.keys(await import(path.join(web, "uploader.js"))).sort();
  assert.deepEqual(exported, ["UploadError", "upload", "uploadAll"]);
  const declared = [...read(web, "uploader.d.ts").matchAll(/^export (?:class|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), exported);

  const folder = mkdtempSync(path.join(tmpdir(), "valet-types-"));
  try {
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(web, path.join(folder, "node_modules", "valet-uploader"));
    cpSync(path.join(import.meta.dirname, "sample.ts"), path.join(folder, "sample.mts"));
    const compiler = path.join(root, ".tools", "typescript", "node_modules", "typescript", "bin", "tsc");
    const strict = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
    const { stdout } = await run(process.execPath, [compiler, ...strict, "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable", "sample.mts"], { cwd: folder }).catch((error) => error);
    assert.equal(stdout, "");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
