// Requests with the powers of the session, which are not those of its person: each says as whom it is made.

import { type Asked, Http, type Operation, type Operations, Refusal } from "@threadline/client";
import { createContext, useContext } from "react";
import type { Session } from "../shell/first-state.ts";
import { strings } from "../strings.operator.ts";

export type OperatorRole = "admin" | "operator";

export interface Operator {
  readonly role: OperatorRole;
  /** The tenant that the session belongs to: keys, tools and agents are those of it. */
  readonly tenant: string;
  readonly call: <Name extends Operation>(name: Name, asked: Asked<Name>) => Promise<Operations[Name]["answer"]>;
}

/** Who runs the installation or a tenant, by a session; null for everybody else. */
export function operatorOf(session: Session): Operator | null {
  const role = session.may_be;
  if (role !== "operator" && role !== "admin") return null;
  const http = new Http({ headers: { "X-Threadline-Role": role } });
  return { role, tenant: session.tenant, call: (name, asked) => http.call(name, asked) };
}

const OperatorContext = createContext<Operator | null>(null);
export const OperatorProvider = OperatorContext.Provider;

export function useOperator(): Operator {
  const operator = useContext(OperatorContext);
  if (operator === null) throw new Error("There is no <OperatorProvider> around this component.");
  return operator;
}

/** What to tell a person of something that went wrong. */
export function reasonOf(error: unknown): string {
  return error instanceof Refusal ? error.message : strings.unreachable;
}
