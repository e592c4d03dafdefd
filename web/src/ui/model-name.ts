// What models are called among people, and which of them stand in a menu. Pure.

import type { Model } from "@threadline/client";

const SNAPSHOT = /-(?:[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$|[-:]latest$/;
/** A version whose point has become a hyphen. */
const APART = /(?<![0-9A-Za-z.])([0-9]{1,2})-([0-9]{1,2})(?![0-9A-Za-z.])/g;
const SIZE = /^[0-9.]+(?:x[0-9.]+)?[bkm]$/;

const SPELT = new Map([
  ["gpt", "GPT"],
  ["chatgpt", "ChatGPT"],
  ["oss", "OSS"],
  ["deepseek", "DeepSeek"],
  ["glm", "GLM"],
  ["vl", "VL"],
  ["o1", "o1"],
  ["o3", "o3"],
  ["o4", "o4"],
  ["openai", "OpenAI"],
  ["openrouter", "OpenRouter"],
]);

/**
 * `anthropic/claude-3-5-sonnet-20241022` is Claude 3.5 Sonnet; what leaves no name is itself. Also for providers.
 *
 * The same as on the server's pages (`providers/names.py`): `tests/cases/model_names.json`.
 */
export function readableName(model: string): string {
  const vendorModel = model.slice(model.indexOf("/") + 1);
  const [base = ""] = vendorModel.slice(vendorModel.lastIndexOf("/") + 1).split("@", 1);
  const words = base
    .replace(SNAPSHOT, "")
    .replace(APART, "$1.$2")
    .split(/[-_: ]+/);
  const spelt = words.filter((word) => word !== "").map(wordOf);
  return spelt.join(" ").replaceAll("GPT ", "GPT-") || model;
}

function wordOf(word: string): string {
  const spelt = SPELT.get(word);
  if (spelt !== undefined) return spelt;
  if (SIZE.test(word)) return word.slice(0, -1) + word.slice(-1).toUpperCase();
  // Whoever writes capitals has said where they go.
  return /^[a-z]/.test(word) && word === word.toLowerCase() ? word.slice(0, 1).toUpperCase() + word.slice(1) : word;
}

/** What a model is called: as the server calls those that it lists, and by itself otherwise. */
export function nameOfModel(models: readonly Model[], id: string): string {
  return models.find((model) => model.id === id)?.name ?? readableName(id);
}

/** A line of a menu. Two models of one name are told apart by their own. */
export interface Offered {
  readonly id: string;
  readonly label: string;
  readonly description: string | null;
}

/**
 * Those that a person would choose from, and the one that is chosen, whatever it is. Where all are for tests they are all
 * there is.
 */
export function offeredOf(models: readonly Model[], current: string | null = null): readonly Offered[] {
  const isOpen = models.some(({ hidden }) => !hidden);
  const shown = models.filter(({ id, hidden }) => !hidden || !isOpen || id === current);
  const lines = shown.map(({ id, name, description }) => ({ id, label: name, description }));
  if (current !== null && !shown.some(({ id }) => id === current)) {
    lines.push({ id: current, label: readableName(current), description: null });
  }
  const isAlone = (label: string) => lines.filter((one) => one.label === label).length === 1;
  return lines.map((one) => (isAlone(one.label) ? one : { ...one, label: `${one.label} (${one.id})` }));
}
