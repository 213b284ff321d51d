// Bundle the web client into dist/: content-hashed scripts and styles, rare pages as chunks of
// their own, an entry script with its integrity, and a service worker that knows them all.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 120_000; // bytes of script, gzipped, that the first view may cost
const dev = process.argv.includes("--dev");

const shared = {
  bundle: true, format: "esm", target: "es2022", minify: !dev, sourcemap: dev ? "linked" : false,
  legalComments: "none", charset: "utf8", write: false, outdir: "dist", metafile: true,
  absWorkingDir: import.meta.dirname, logLevel: "warning",
};

/** @param {Uint8Array} bytes @returns {string} the Subresource Integrity value */
const integrity = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;

/** The name under dist/, with forward slashes on every system. */
const named = (path) => relative(join(import.meta.dirname, "dist"), path).split(sep).join("/");

/** Bundle the application; returns its files by name and esbuild's account of them. */
async function bundleApplication() {
  const result = await build({
    ...shared, entryPoints: ["src/main.js", "src/style.css"], splitting: true,
    entryNames: "assets/[name]-[hash]", chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    loader: { ".svg": "file", ".woff2": "file", ".png": "file" },
  });
  const files = new Map(result.outputFiles.map((file) => [named(file.path), file.contents]));
  return { files, outputs: result.metafile.outputs };
}

/** The entry made from `source`, and every chunk it cannot start without, entry first. */
function initialScripts(outputs, source) {
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === source);
  const seen = new Set([entry]);
  for (const path of seen) {
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind === "import-statement" && next in outputs) seen.add(next);
    }
  }
  return [...seen].map((path) => path.replace(/^dist\//, ""));
}

/** Replace `before`, which must stand there once: a page without its script must not be built. */
function replaceOnce(text, before, after) {
  if (text.split(before).length !== 2) throw new Error(`src/index.html must hold ${before} once`);
  return text.replace(before, () => after);
}

/** The page, with the hashed names and what they must contain. */
async function page(files, scripts, style) {
  const tag = (name) => `"/${name}" integrity="${integrity(files.get(name))}"`;
  const preloads = scripts.slice(1).map((name) => `<link rel="modulepreload" href=${tag(name)}>`);
  let html = await readFile("src/index.html", "utf8");
  html = replaceOnce(html, '<link rel="stylesheet" href="style.css">',
    [`<link rel="stylesheet" href=${tag(style)}>`, ...preloads].join("\n  "));
  return replaceOnce(html, '<script type="module" src="main.js"></script>',
    `<script type="module" src=${tag(scripts[0])}></script>`);
}

/** Bundle the service worker around the list of what it keeps for use without a network. */
async function bundleWorker(shell, version) {
  const result = await build({
    ...shared, entryPoints: ["src/worker/sw.js"], entryNames: "sw", format: "iife",
    define: { RELAIS_SHELL: JSON.stringify(shell), RELAIS_BUILD: JSON.stringify(version) },
  });
  return result.outputFiles.map((file) => [named(file.path), file.contents]);
}

async function readFolder(folder) {
  const names = await readdir(folder);
  return Promise.all(names.map(async (name) => [`${basename(folder)}/${name}`, await readFile(join(folder, name))]));
}

/** Print what the first view costs, and the rest, in bytes after gzip. */
function report(files, scripts) {
  const size = (name) => gzipSync(files.get(name), { level: 9 }).length;
  const sum = (names) => names.reduce((total, name) => total + size(name), 0);
  const lazy = [...files.keys()].filter((name) => name.endsWith(".js") && !scripts.includes(name) && name !== "sw.js");
  const first = sum(scripts);
  console.log(`script, gzipped: ${first} bytes at first, ${sum(lazy)} bytes in ${lazy.length} chunks loaded when needed (limit at first: ${LIMIT})`);
  if (!dev && first > LIMIT) throw new Error(`the first view needs ${first} bytes of script, gzipped; the limit is ${LIMIT}`);
}

async function main() {
  process.chdir(import.meta.dirname);
  const { files, outputs } = await bundleApplication();
  const scripts = initialScripts(outputs, "src/main.js");
  const style = [...files.keys()].find((name) => /^assets\/style-\w+\.css$/.test(name));
  files.set("index.html", Buffer.from(await page(files, scripts, style)));
  files.set("manifest.webmanifest", await readFile("src/manifest.webmanifest"));
  for (const [name, content] of await readFolder("src/icons")) files.set(name, content);

  const kept = [...files.keys()].filter((name) => !name.endsWith(".map")).sort();
  const digest = createHash("sha256");
  for (const name of kept) digest.update(`${name}\0`).update(files.get(name));
  const shell = kept.map((name) => (name === "index.html" ? "/" : `/${name}`));
  for (const [name, content] of await bundleWorker(shell, digest.digest("hex").slice(0, 16))) files.set(name, content);

  report(files, scripts);
  await rm("dist", { recursive: true, force: true });
  for (const [name, content] of files) {
    await mkdir(dirname(join("dist", name)), { recursive: true });
    await writeFile(join("dist", name), content);
  }
}

await main();
