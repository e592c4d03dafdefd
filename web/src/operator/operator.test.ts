import type { Agent, UsageLine } from "@threadline/client";
import { describe, expect, test } from "vitest";
import { changesBetween, linesBetween } from "./agents/diff.ts";
import { barsOf, greatestSum, heightScale, labelledPlaces, lineOf } from "./charts/plot.ts";
import { csvOf } from "./kit/csv.ts";
import { sumOf } from "./kit/decimal.ts";
import { costOf, durationOf, utcOf } from "./kit/format.ts";
import { sorted } from "./kit/sort.ts";
import { failureSeries, failuresOf } from "./live/figures.ts";
import { operatorPath, operatorPlaceOf } from "./place.ts";
import { approvalInWords } from "./tools/approval.ts";
import { dayAfter, daysBetween, groupsOf, seriesOf, totalOf } from "./usage/sums.ts";

const line = (given: Partial<UsageLine>): UsageLine => ({
  key: "2026-01-01",
  model: "a",
  attempts: 1,
  known: 1,
  input_tokens: 10,
  output_tokens: 5,
  cached_input_tokens: null,
  reasoning_tokens: null,
  cost_usd: "0.1",
  ...given,
});

describe("money", () => {
  test("is summed without an error in the last place", () => {
    expect(sumOf(["0.1", "0.2"])).toBe("0.3");
    expect(sumOf(["12", "0.000001", "-0.5"])).toBe("11.500001");
    expect(sumOf(["0.001", "-0.002"])).toBe("-0.001");
    expect(sumOf([])).toBeNull();
  });

  test("that nobody knows is no zero", () => {
    expect(costOf(null)).toBe("unknown");
    expect(costOf("0")).not.toBe("unknown");
    const sum = totalOf([line({}), line({ cost_usd: null })]);
    expect([sum.costUsd, sum.isWhole]).toEqual(["0.1", false]);
    expect(totalOf([line({ cost_usd: null })]).costUsd).toBeNull();
    expect(totalOf([line({ attempts: 2, known: 1 })]).isWhole).toBe(false);
  });
});

describe("usage", () => {
  test("is grouped over models, and unknown counts stay unknown", () => {
    const groups = groupsOf([
      line({ key: "ann" }),
      line({ key: "ann", model: "b", input_tokens: null }),
      line({ key: null, output_tokens: null, known: 0 }),
    ]);
    expect(groups.map((group) => [group.key, group.attempts, group.input, group.output])).toEqual([
      ["ann", 2, 10, 10],
      [null, 1, 10, null],
    ]);
  });

  test("has a series for each of the greatest models and one for the rest", () => {
    const lines = Array.from({ length: 9 }, (_, place) => line({ model: `m${place}`, cost_usd: `${place + 1}` }));
    const series = seriesOf(lines, ["2026-01-01", "2026-01-02"], "cost", "others");
    expect(series.map((one) => one.name)).toEqual(["m8", "m7", "m6", "m5", "m4", "others"]);
    expect(series.at(-1)?.values).toEqual([1 + 2 + 3 + 4, null]);
    expect(new Set(series.map((one) => one.colour)).size).toBe(6);
  });

  test("counts days in UTC, also over the end of February", () => {
    expect(daysBetween("2026-02-27", "2026-03-02")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
    expect(dayAfter("2026-01-01", -1)).toBe("2025-12-31");
  });

  test("leaves as a table in which nobody's name is a formula", () => {
    const text = csvOf(
      ["a", "b"],
      [
        ['=HYPERLINK("x")', 1],
        ["x,\ny", null],
      ],
    );
    expect(text).toBe('a,b\r\n"\'=HYPERLINK(""x"")",1\r\n"x,\ny",\r\n');
  });
});

describe("charts", () => {
  const box = { width: 100, height: 100, start: 0, bottom: 0, top: 0 };

  test("begin at 0, and count in whole numbers", () => {
    const y = heightScale(1, box, 3, true);
    expect([y(0), y.ticks]).toEqual([100, [0, 1, 2]]);
  });

  test("stop where nothing is known, and show what stands alone", () => {
    const drawn = lineOf([1, 2, null, 1, null], (place) => place, heightScale(2, box, 2, false));
    expect(drawn.line.match(/M/g)).toHaveLength(2);
    expect(drawn.points).toEqual([[3, 50]]);
  });

  test("put bars on each other up to their sum", () => {
    const series = [
      { name: "a", colour: "", values: [1] },
      { name: "b", colour: "", values: [null] },
      { name: "c", colour: "", values: [3] },
    ];
    const bars = barsOf(series, 0, 0, 10, heightScale(greatestSum(series, 1), box, 2, true));
    expect(bars.map((bar) => [bar.series, bar.y, bar.height])).toEqual([
      [0, 75, 25],
      [2, 0, 74],
    ]);
  });

  test("name the last place, and no more than there is room for", () => {
    expect(labelledPlaces(7, 3)).toEqual([0, 3, 6]);
    expect(labelledPlaces(0, 3)).toEqual([]);
  });

  test("sum failures by provider and code", () => {
    const minute = (codes: Record<string, number>) => ({ failures_by_provider: { x: codes } }) as never;
    const history = [minute({ slow: 1 }), minute({ slow: 2, away: 5 })];
    expect(failuresOf(history).map((one) => [one.code, one.count])).toEqual([
      ["away", 5],
      ["slow", 3],
    ]);
    expect(failureSeries(history)[0]?.values).toEqual([1, 7]);
  });
});

describe("agents", () => {
  test("differ line by line, with what both have in its place", () => {
    expect(linesBetween("a\nb\nc", "a\nx\nc\nd")).toEqual([
      { kind: "kept", text: "a" },
      { kind: "removed", text: "b" },
      { kind: "added", text: "x" },
      { kind: "kept", text: "c" },
      { kind: "added", text: "d" },
    ]);
    expect(linesBetween("", "a")).toEqual([{ kind: "added", text: "a" }]);
  });

  test("show the fields that changed, and no empty ones of the first version", () => {
    const first = { handle: "pia", tools: [], archived: false, parameters: { temperature: null } } as unknown as Agent;
    expect(changesBetween(null, first).map((change) => change.field)).toEqual(["handle"]);
    expect(changesBetween(first, { ...first, tools: ["a", "b"] })).toEqual([
      {
        field: "tools",
        lines: [
          { kind: "added", text: "a" },
          { kind: "added", text: "b" },
        ],
      },
    ]);
  });
});

test("addresses name a section and what of it is shown", () => {
  expect(operatorPlaceOf("/operator")).toEqual({ section: "live", id: null });
  expect(operatorPlaceOf(operatorPath("threads", "thr_1"))).toEqual({ section: "threads", id: "thr_1" });
  expect(operatorPlaceOf("/operator/nothing/x")).toEqual({ section: "live", id: null });
});

test("what is not known is last, whichever way a table is sorted", () => {
  const rows = [null, 2, 10];
  expect(sorted(rows, (row) => row, false)).toEqual([2, 10, null]);
  expect(sorted(rows, (row) => row, true)).toEqual([10, 2, null]);
});

test("times are said as people say them", () => {
  expect([durationOf(0.0123), durationOf(61), durationOf(7300), durationOf(null)]).toEqual([
    "12.3 ms",
    "1 min 1 s",
    "2 h 1 min",
    "–",
  ]);
  expect(utcOf("2026-01-31T10:00:00.123Z")).toBe("2026-01-31 10:00:00 UTC");
});

test("rules of approval are said in words", () => {
  expect(approvalInWords("never")).toBe("never");
  expect(
    approvalInWords({
      any: [
        { argument: "/amount", over: 100 },
        { argument: "", one_of: ["a"] },
      ],
    }),
  ).toBe('where /amount over 100 or the input one of ["a"]');
});
