import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.THREADLINE_URL ?? "http://127.0.0.1:8400";

/** The fonts of formulas in the one form that every browser of today takes: the others would be a megabyte. */
const onlyWoff2: Plugin = {
  name: "only-woff2",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith("katex.min.css") ? code.replace(/,url\([^)]+\.(woff|ttf)\) format\("\w+"\)/g, "") : null,
};

/** Packs every file once, here, and not with every request. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    writeBundle({ dir = "" }) {
      const assets = join(dir, "assets");
      for (const name of readdirSync(assets).filter((file) => /\.(js|css|svg)$/.test(file))) {
        const content = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(content));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(content, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), onlyWoff2, packed()],
  resolve: {
    alias: {
      "@threadline/client/react": here("../clients/typescript/src/react/index.ts"),
      "@threadline/client": here("../clients/typescript/src/index.ts"),
      // HTML in Markdown is text: no page needs the parser that would read it (57 kB gzipped).
      "rehype-raw": here("src/chat/markdown/raw-html.ts"),
    },
    // The client's folder may have a React of its own, for its tests.
    dedupe: ["react", "react-dom"],
  },
  build: {
    // Into the Python package, which writes the page around it from the manifest.
    outDir: here("../src/threadline/web"),
    emptyOutDir: true,
    manifest: true,
    // A data: address for a small file would need words in the policy that nothing else needs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What counts is what a page loads, packed: tests/browser/test_first_paint.py.
    chunkSizeWarningLimit: 1_000,
    rollupOptions: { input: [here("src/main.tsx"), here("src/worker/worker.ts")] },
  },
  server: { proxy: { "/v1": server, "/sign-in": server } },
});
