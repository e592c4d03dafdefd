import type { Model } from "@threadline/client";
import { expect, test } from "vitest";
import cases from "../../../tests/cases/model_names.json" with { type: "json" };
import { nameOfModel, offeredOf, readableName } from "./model-name.ts";

const model = (id: string, name: string, more: Partial<Model> = {}): Model => {
  return { id, name, description: null, hidden: false, object: "model", ...more };
};

test.each(cases)("%s is called %s, as on the server's pages", (id, name) => {
  expect(readableName(id ?? "")).toBe(name);
});

test("what the operator calls a model wins; what is not listed is called by itself", () => {
  const models = [model("a/gpt-5.2", "Our best")];
  expect(nameOfModel(models, "a/gpt-5.2")).toBe("Our best");
  expect(nameOfModel(models, "demo/count-60@20")).toBe("Count 60");
});

test("what is for tests stands in no menu, unless it is chosen or there is nothing else", () => {
  const models = [model("demo/echo", "Echo"), model("demo/role", "Role", { hidden: true })];
  const ids = (...args: Parameters<typeof offeredOf>) => offeredOf(...args).map(({ id }) => id);
  expect(ids(models)).toEqual(["demo/echo"]);
  expect(ids(models, "demo/role")).toEqual(["demo/echo", "demo/role"]);
  expect(ids(models, "demo/count-60@20")).toEqual(["demo/echo", "demo/count-60@20"]);
  expect(ids(models.slice(1))).toEqual(["demo/role"]);
  expect(ids([])).toEqual([]);
});

test("two models of one name are told apart", () => {
  const models = [model("a/x-1", "X 1"), model("b/x-1", "X 1"), model("b/y", "Y")];
  expect(offeredOf(models).map(({ label }) => label)).toEqual(["X 1 (a/x-1)", "X 1 (b/x-1)", "Y"]);
});
