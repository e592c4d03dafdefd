// One more key.

import type { Key } from "@threadline/client";
import { useState } from "react";
import { strings } from "../../strings.operator.ts";
import { useOperator } from "../api.ts";
import { Choice, Field } from "../kit/field.tsx";
import { FormDialog } from "../kit/form.tsx";

const words = strings.keys;
type Role = "admin" | "operator" | "server";

export function NewKey({ onClose, onMade }: { readonly onClose: () => void; readonly onMade: (key: Key) => void }) {
  const operator = useOperator();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("server");
  // Only an operator makes operator keys.
  const roles: readonly Role[] = operator.role === "operator" ? ["server", "admin", "operator"] : ["server", "admin"];
  return (
    <FormDialog
      title={words.create}
      action={words.create}
      onClose={onClose}
      onSubmit={async () => onMade(await operator.call("POST /v1/keys", { body: { name, role } }))}
    >
      <Field
        label={strings.columns.name}
        hint={words.nameHint}
        value={name}
        maxLength={200}
        required
        onChange={(event) => setName(event.target.value)}
      />
      <Choice
        label={words.role}
        hint={words.may[role]}
        value={role}
        choices={roles.map((value) => ({ value, name: value }))}
        onChoose={setRole}
      />
    </FormDialog>
  );
}
