// Numbers, times and money as the reader's language writes them. Pure.

import { strings } from "../../strings.operator.ts";

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const few = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD" });
const smallMoney = new Intl.NumberFormat(undefined, {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumSignificantDigits: 3,
});
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
// Days of the usage are days in UTC, wherever the reader is.
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

export const countOf = (value: number | null): string => (value === null ? strings.unknown : whole.format(value));
export const shortOf = (value: number): string => compact.format(value);
export const rateOf = (value: number): string => (value >= 1000 ? compact.format(value) : few.format(value));
export const clockOf = (at: string | Date): string => clock.format(new Date(at));
export const timeOf = (at: string): string => dayAndTime.format(new Date(at));
export const exactTimeOf = (at: string): string => exact.format(new Date(at));
/** A day in UTC, such as `2026-01-31`. */
export const dayOf = (value: string): string => day.format(new Date(`${value}T00:00:00Z`));

/** The same moment in UTC, to be shown beside the local one. */
export function utcOf(at: string): string {
  return `${at.replace("T", " ").replace(/(\.\d+)?Z$/, "")} UTC`;
}

/** US dollars from a decimal in a string; what is not known is no zero. */
export function costOf(usd: string | null): string {
  if (usd === null) return strings.unknown;
  const value = Number(usd);
  return value !== 0 && Math.abs(value) < 0.1 ? smallMoney.format(value) : money.format(value);
}

/** Seconds as somebody says them: `3 ms`, `1.24 s`, `5 min`, `3 h`. */
export function durationOf(seconds: number | null): string {
  if (seconds === null) return strings.none;
  if (seconds < 1) return `${few.format(seconds * 1000)} ms`;
  if (seconds < 60) return `${few.format(seconds)} s`;
  const minutes = seconds / 60;
  if (minutes < 60) return `${whole.format(Math.floor(minutes))} min ${whole.format(Math.floor(seconds % 60))} s`;
  const hours = minutes / 60;
  if (hours < 48) return `${whole.format(Math.floor(hours))} h ${whole.format(Math.floor(minutes % 60))} min`;
  return `${whole.format(Math.floor(hours / 24))} d`;
}

/** How many seconds lie between two moments; to now where there is no second one. */
export function secondsBetween(from: string, to: string | null, nowMs: number): number {
  return Math.max(0, ((to === null ? nowMs : Date.parse(to)) - Date.parse(from)) / 1000);
}
