// Our own rules, and the reference held against the program.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as client from "../src/index.ts";
import { IDLE, type Phase } from "../src/machine.ts";
import * as hooks from "../src/react/index.ts";

const SOURCE = join(process.cwd(), "src");
const FILES = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const REFERENCE = readFileSync(join(process.cwd(), "../../docs/reference/typescript.md"), "utf8");
const PHASES: Record<Phase, true> = {
  idle: true,
  connecting: true,
  catching_up: true,
  live: true,
  waiting: true,
  offline: true,
  refused: true,
};

test.each(FILES.filter((name) => name !== "types.ts"))("%s says what it is for, and is not too long", (name) => {
  const text = readFileSync(join(SOURCE, name), "utf8");
  expect(text.startsWith("// ")).toBe(true);
  expect(text.split("\n").length).toBeLessThan(400);
  expect(name).not.toMatch(/utils|helpers|common|base|manager|core|misc/);
});

test("the reference names every hook and every phase, and no hook that there is not", () => {
  const exported = Object.keys(hooks).filter((name) => name.startsWith("use") && name !== "useClient");
  const named = new Set([...REFERENCE.matchAll(/^\| `(use\w+)\(/gm)].map(([, name]) => name));
  expect([...named].sort()).toEqual(exported.sort());
  for (const phase of Object.keys(PHASES)) expect(REFERENCE).toContain(`\`${phase}\``);
  expect(PHASES).toHaveProperty(IDLE.phase);
});

test("what the reference calls on a thread and on a client is there", () => {
  const made = new client.Client({ baseUrl: "http://nowhere", token: "t", store: new client.MemoryStore() });
  const thread = made.thread("thr_1");
  for (const name of ["send", "edit", "regenerate", "switchTo", "stop", "update", "loadOlder", "begin"] as const) {
    expect(REFERENCE).toContain(`${name}(`);
    expect(thread[name]).toBeTypeOf("function");
  }
  for (const name of ["retry", "call", "forget", "close"] as const) {
    expect(REFERENCE).toContain(`client.${name}(`);
    expect(made[name]).toBeTypeOf("function");
  }
  return made.close();
});
