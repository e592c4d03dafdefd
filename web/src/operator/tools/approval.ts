// When a person has to agree to a call. Pure.

import type { Registration } from "@threadline/client";
import { strings } from "../../strings.operator.ts";

type Approval = Registration["approval"];
type Rule = Exclude<Approval, string>;
type Condition = Rule["any"][number];
const words = strings.tools;

/** What a rule says, for whoever reads a list. */
export function approvalInWords(approval: Approval): string {
  if (typeof approval === "string") return words.approvals[approval];
  return words.approvals.where(approval.any.map(conditionInWords).join(words.or));
}

function conditionInWords({ argument, tools, ...tests }: Condition): string {
  const held = Object.entries(tests).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [`${name.replaceAll("_", " ")} ${JSON.stringify(value)}`],
  );
  const where = argument === undefined || argument === "" ? words.input : argument;
  const of = tools == null ? "" : ` (${tools.join(", ")})`;
  return `${where} ${held.join(words.and)}${of}`;
}
