// sharp as a process that is told over standard input what to make; processes.py has the protocol.
// Usage: node sharp_worker.mjs HOME_OF_SHARP THREADS. It must never measure anything itself.

import { createRequire } from "node:module";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import path from "node:path";

const [home, threads] = process.argv.slice(2);
const sharp = createRequire(path.resolve(home) + "/")("sharp");
// Every file comes several times; what is remembered of it would not be measured.
sharp.cache(false);
sharp.concurrency(Number(threads));

let file;
let made = [];

function parse(text) {
  return text.split(",").map((variant) => {
    const [name, box, , , quality] = variant.trim().split(":");
    const [width, height] = box.split("x").map(Number);
    return { name, width, height, quality: Number(quality) };
  });
}

const resized = (image, { width, height }) => image.resize(width, height, { fit: "inside", withoutEnlargement: true });
const asJpeg = (image, { quality }) => image.flatten({ background: "#fff" }).jpeg({ quality }).toBuffer();

const ways = {
  // A pipeline of its own for each size, so each shrinks on load as far as it can.
  async pipelines(variants) {
    const outputs = [];
    for (const variant of variants) outputs.push(await asJpeg(resized(sharp(file).autoOrient(), variant), variant));
    return outputs;
  },
  // One input and a clone for each size, all at once.
  async clones(variants) {
    const input = sharp(file).autoOrient();
    return Promise.all(variants.map((variant) => asJpeg(resized(input.clone(), variant), variant)));
  },
  // The largest size decoded once, the smaller ones made of its raw pixels.
  async cascade(variants) {
    const largest = resized(sharp(file).autoOrient(), variants[0]).flatten({ background: "#fff" });
    const { data, info } = await largest.raw().toBuffer({ resolveWithObject: true });
    const outputs = [];
    for (const variant of variants) outputs.push(await asJpeg(resized(sharp(data, { raw: info }), variant), variant));
    return outputs;
  },
};

const commands = {
  async read(name) {
    file = await readFile(name);
  },
  async make(text, way) {
    const variants = parse(text);
    const outputs = await ways[way || "pipelines"](variants);
    made = variants.map(({ name }, index) => ({ name, bytes: outputs[index] }));
  },
  async write(folder) {
    for (const { name, bytes } of made) await writeFile(path.join(folder, `${name}.jpg`), bytes);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = line.split("\t");
  try {
    await commands[command](...rest);
    process.stdout.write("ok\n");
  } catch (error) {
    process.stdout.write(`error\t${String(error.message).replace(/\s+/g, " ")}\n`);
  }
}
