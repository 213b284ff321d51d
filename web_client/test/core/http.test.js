import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { randomBytes, toBase64url } from "../../src/core/bytes.js";
import { Http, PIECE_SIZE } from "../../src/core/http.js";
import { Refusal, Unreachable } from "../../src/core/refusal.js";
import { sha256Hex } from "../../src/core/suite.js";
import { refuses } from "../support/vectors.js";

let answer = () => {};
const asked = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  asked.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) });
  answer(asked.at(-1), response);
});
let http;

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  http = new Http({ origin: `http://127.0.0.1:${server.address().port}`, fetch: globalThis.fetch, token: async () => "TOKEN" });
});
after(() => server.close());

const json = (status, body) => (_, response) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));

function answering(next) {
  asked.length = 0;
  answer = next;
}

test("a body goes as JSON with its bytes in base64url, and the answer's bytes come back as bytes", async () => {
  const challenge = randomBytes(32);
  answering(json(200, { challenge: toBase64url(challenge), expires_at: 5 }));
  const read = await http.exchange("/auth/challenge", { device: "ab".repeat(16) });
  assert.deepEqual(read, { challenge, expires_at: 5 });
  assert.deepEqual(JSON.parse(asked[0].body.toString()), { device: "ab".repeat(16) });
  answering(json(401, { error: { code: "unauthenticated", reason: "revoked-device" } }));
  const login = randomBytes(40);
  await assert.rejects(http.exchange("/auth/token", { login }), (error) => error instanceof Refusal && error.code === "unauthenticated" && error.reason === "revoked-device");
  assert.equal(JSON.parse(asked[0].body.toString()).login, toBase64url(login));
});

test("an answer with a field too many, too few or of another type is refused", async () => {
  const good = { challenge: toBase64url(randomBytes(32)), expires_at: 5 };
  for (const bad of [{ ...good, more: 1 }, { challenge: good.challenge }, { ...good, expires_at: "5" }, { ...good, challenge: "=" }, [], null, "text"]) {
    answering(json(200, bad));
    await refuses("wrong-type", () => http.exchange("/auth/challenge", { device: "ab".repeat(16) }));
  }
});

test("a proxy's page is a refusal by its status, an unknown code is internal, and a dead server is unreachable", async () => {
  answering((_, response) => response.writeHead(502).end("<h1>Bad gateway</h1>"));
  await assert.rejects(http.exchange("/auth/challenge", { device: "ab".repeat(16) }), { code: "unavailable" });
  answering(json(418, { error: { code: "teapot" } }));
  await assert.rejects(http.exchange("/auth/challenge", { device: "ab".repeat(16) }), { code: "internal" });
  answering((_, response) => response.destroy());
  await assert.rejects(http.exchange("/auth/challenge", { device: "ab".repeat(16) }), Unreachable);
});

test("a file goes up in pieces, with the token, and progress is told after each", async () => {
  const blob = new Blob([randomBytes(50_000), new Uint8Array(PIECE_SIZE * 2)]);
  const id = "cd".repeat(32);
  let offset = 0;
  answering(({ body }, response) => response.writeHead(204, { "Upload-Offset": String((offset += body.length)) }).end());
  const told = [];
  await http.upload(id, blob, { isBegun: false, onProgress: (done, total) => told.push([done, total]) });
  assert.deepEqual(asked.map(({ method, url, headers, body }) => [method, url, headers["upload-offset"], headers.authorization, body.length]), [
    ["PATCH", `/blobs/${id}?size=${blob.size}`, "0", "Bearer TOKEN", PIECE_SIZE],
    ["PATCH", `/blobs/${id}?size=${blob.size}`, String(PIECE_SIZE), "Bearer TOKEN", PIECE_SIZE],
    ["PATCH", `/blobs/${id}?size=${blob.size}`, String(2 * PIECE_SIZE), "Bearer TOKEN", 50_000],
  ]);
  assert.deepEqual(told.at(-1), [blob.size, blob.size]);
});

test("an upload goes on where the server's copy ends, and takes its word on the offset", async () => {
  const blob = new Blob([new Uint8Array(1_000)]);
  answering(({ method, headers }, response) => {
    if (method === "HEAD") return response.writeHead(200, { "Upload-Offset": "400" }).end();
    return headers["upload-offset"] === "400" ? response.writeHead(409, { "Upload-Offset": "600" }).end() : response.writeHead(204, { "Upload-Offset": "1000" }).end();
  });
  await http.upload("cd".repeat(32), blob);
  assert.deepEqual(asked.map(({ method, headers, body }) => [method, headers["upload-offset"] ?? null, body.length]),
    [["HEAD", null, 0], ["PATCH", "400", 600], ["PATCH", "600", 400]]);
});

test("a blob whose hash the server refuses is refused, and one it has costs one request", async () => {
  answering(({ method }, response) => (method === "HEAD" ? response.writeHead(404).end() : json(422, { error: { code: "malformed", reason: "blob-differs" } })(null, response)));
  await assert.rejects(http.upload("cd".repeat(32), new Blob(["x"])), { code: "malformed", reason: "blob-differs" });
  answering((_, response) => response.writeHead(200, { "Upload-Offset": "1" }).end());
  await http.upload("cd".repeat(32), new Blob(["x"]));
  assert.equal(asked.length, 1);
});

test("a download that is cut goes on where it ended, and its hash is checked", async () => {
  const data = randomBytes(40_000);
  const [id, circle] = [await sha256Hex(data), "ef".repeat(32)];
  const cutThenWhole = ({ headers }, response) => {
    if (!headers.range) return response.writeHead(200, { "Content-Length": data.length }).write(data.subarray(0, 10_000), () => response.destroy());
    const from = Number(/bytes=(\d+)-/.exec(headers.range)[1]);
    return response.writeHead(206, { "Content-Range": `bytes ${from}-${data.length - 1}/${data.length}` }).end(data.subarray(from));
  };
  answering(cutThenWhole);
  const blob = await http.download(id, { circle, size: data.length });
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), data);
  assert.deepEqual(asked.map(({ url }) => url), [`/blobs/${id}?circle=${circle}`, `/blobs/${id}?circle=${circle}`]);
  answering((_, response) => response.end(randomBytes(40_000)));
  await refuses("blob-differs", () => http.download(id, { circle, size: data.length }));
  answering((_, response) => response.end(randomBytes(50_000)));
  await refuses("blob-differs", () => http.download(id, { circle, size: data.length }));
});

test("what is given up stops, and says so", async () => {
  const ending = new AbortController();
  answering(() => ending.abort());
  await assert.rejects(http.exchange("/auth/join/wait", { ticket: "ab".repeat(16) }, { signal: ending.signal }), { name: "AbortError" });
});
