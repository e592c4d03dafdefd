// What a page has to load for it.

import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;

async function gzipped(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    external: ["react"],
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

test("the client is at most 12 kB gzipped without React", async () => {
  expect(await gzipped('export * from "./src/index.ts";')).toBeLessThanOrEqual(12_000);
});

test("who only folds loads only the fold", async () => {
  expect(await gzipped('export { fold, messagesOf } from "./src/index.ts";')).toBeLessThanOrEqual(2_000);
});

test("the hooks add little", async () => {
  const all = await gzipped('export * from "./src/index.ts"; export * from "./src/react/index.ts";');
  expect(all - (await gzipped('export * from "./src/index.ts";'))).toBeLessThanOrEqual(1_500);
});
