// Which tenant is meant: operators choose, admins have their own.

import { useCallback } from "react";
import { strings } from "../../strings.operator.ts";
import { useOperator } from "../api.ts";
import { useAsked } from "./asked.ts";
import { Choice } from "./field.tsx";

interface Props {
  /** What it means to choose none. */
  readonly nobody: string;
  /** An id, or empty. */
  readonly value: string;
  readonly onChoose: (tenant: string) => void;
}

export function TenantChoice({ nobody, value, onChoose }: Props) {
  const operator = useOperator();
  const ask = useCallback((signal: AbortSignal) => operator.call("GET /v1/admin/tenants", { signal }), [operator]);
  const tenants = useAsked(ask).value?.data ?? [];
  if (operator.role !== "operator") return null;
  const choices = [{ value: "", name: nobody }, ...tenants.map(({ id, name }) => ({ value: id, name }))];
  return <Choice label={strings.tenant} value={value} choices={choices} onChoose={onChoose} />;
}
