// A tool, made or changed. What is JSON is written as JSON: a schema says more than a form of ours could ask.

import type { Json, Registration } from "@threadline/client";
import { useState } from "react";
import { strings } from "../../strings.operator.ts";
import { useOperator } from "../api.ts";
import { Area, Check, Choice, Field } from "../kit/field.tsx";
import { FormDialog, Unfit } from "../kit/form.tsx";

const words = strings.tools;
type Kind = Registration["kind"];
type Way = "always" | "never" | "where";

interface Draft {
  readonly name: string;
  readonly kind: Kind;
  readonly description: string;
  readonly url: string;
  readonly schema: string;
  readonly headers: string;
  readonly way: Way;
  readonly rule: string;
  readonly isIdempotent: boolean;
  readonly timeout: string;
  readonly rotates: boolean;
}

const SCHEMA = { type: "object", properties: { query: { type: "string" } }, required: ["query"] };
const RULE = { any: [{ argument: "/amount", over: 100 }] };
const written = (value: unknown) => JSON.stringify(value, null, 2);

function draftOf(tool: Registration | null): Draft {
  const approval = tool?.approval ?? "never";
  return {
    name: tool?.name ?? "",
    kind: tool?.kind ?? "webhook",
    description: tool?.description ?? "",
    url: tool?.url ?? "",
    schema: written(tool?.input_schema ?? SCHEMA),
    headers: "",
    way: typeof approval === "string" ? approval : "where",
    rule: written(typeof approval === "string" ? RULE : approval),
    isIdempotent: tool?.idempotent ?? false,
    timeout: String(tool?.timeout_seconds ?? 30),
    rotates: false,
  };
}

function parsed<Value>(name: string, text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw new Unfit(words.noJson(name));
  }
}

/** What both a new tool and a changed one say. */
function fieldsOf(draft: Draft) {
  return {
    description: draft.description,
    approval:
      draft.way === "where" ? parsed<Exclude<Registration["approval"], string>>(words.rule, draft.rule) : draft.way,
    idempotent: draft.isIdempotent,
    timeout_seconds: Number(draft.timeout),
    ...(draft.kind === "client" ? {} : { url: draft.url }),
    ...(draft.kind === "mcp" ? {} : { input_schema: parsed<Record<string, Json>>(words.schema, draft.schema) }),
    ...(draft.headers.trim() === "" ? {} : { headers: parsed<Record<string, string>>(words.headers, draft.headers) }),
  };
}

interface Props {
  /** None for one that is yet to be. */
  readonly tool: Registration | null;
  readonly onClose: () => void;
  readonly onSaved: (tool: Registration) => void;
}

export function ToolForm({ tool, onClose, onSaved }: Props) {
  const operator = useOperator();
  const [draft, setDraft] = useState(() => draftOf(tool));
  const put = (changed: Partial<Draft>) => setDraft((before) => ({ ...before, ...changed }));
  const submit = async () => {
    const fields = fieldsOf(draft);
    if (tool === null) {
      onSaved(await operator.call("POST /v1/tools", { body: { name: draft.name, kind: draft.kind, ...fields } }));
    } else {
      const body = { ...fields, ...(draft.rotates ? { rotate_secret: true } : {}) };
      onSaved(await operator.call("PATCH /v1/tools/{tool}", { path: { tool: tool.id }, body }));
    }
  };
  return (
    <FormDialog
      title={tool === null ? words.create : words.editTitle(tool.name)}
      action={tool === null ? words.create : strings.save}
      onClose={onClose}
      onSubmit={submit}
    >
      {tool === null && <What draft={draft} put={put} />}
      <Area
        label={words.description}
        hint={words.descriptionHint}
        rows={2}
        value={draft.description}
        onChange={({ target }) => put({ description: target.value })}
      />
      <Where draft={draft} put={put} tool={tool} />
      <Choice
        label={words.approval}
        value={draft.way}
        choices={(["never", "always", "where"] as const).map((value) => ({ value, name: words.ways[value] }))}
        onChoose={(way) => put({ way })}
      />
      {draft.way === "where" && <Code label={words.rule} value={draft.rule} onChange={(rule) => put({ rule })} />}
      <Field
        label={words.timeoutLong}
        type="number"
        min={0.1}
        step="any"
        required
        value={draft.timeout}
        onChange={({ target }) => put({ timeout: target.value })}
      />
      <Check
        label={words.idempotent}
        checked={draft.isIdempotent}
        onChange={({ target }) => put({ isIdempotent: target.checked })}
      />
      {tool?.kind === "webhook" && (
        <Check
          label={words.rotate}
          checked={draft.rotates}
          onChange={({ target }) => put({ rotates: target.checked })}
        />
      )}
    </FormDialog>
  );
}

interface PartProps {
  readonly draft: Draft;
  readonly put: (changed: Partial<Draft>) => void;
}

function What({ draft, put }: PartProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label={strings.columns.name}
        hint={words.nameHint}
        required
        value={draft.name}
        onChange={({ target }) => put({ name: target.value })}
      />
      <Choice
        label={words.kind}
        value={draft.kind}
        choices={(["webhook", "mcp", "client"] as const).map((value) => ({ value, name: words.kinds[value] }))}
        onChoose={(kind) => put({ kind })}
      />
    </div>
  );
}

function Where({ draft, put, tool }: PartProps & { readonly tool: Registration | null }) {
  const kept = tool?.header_names ?? [];
  return (
    <>
      {draft.kind !== "client" && (
        <>
          <Field
            label={words.url}
            type="url"
            required
            placeholder="https://"
            value={draft.url}
            onChange={({ target }) => put({ url: target.value })}
          />
          <Code
            label={words.headers}
            hint={kept.length === 0 ? words.headersHint : words.headersKept(kept.join(", "))}
            rows={2}
            value={draft.headers}
            onChange={(headers) => put({ headers })}
          />
        </>
      )}
      {draft.kind !== "mcp" && (
        <Code label={words.schema} rows={7} value={draft.schema} onChange={(schema) => put({ schema })} />
      )}
    </>
  );
}

interface CodeProps {
  readonly label: string;
  readonly hint?: string;
  readonly rows?: number;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Code({ label, hint, rows = 5, value, onChange }: CodeProps) {
  return (
    <Area
      label={label}
      {...(hint === undefined ? {} : { hint })}
      rows={rows}
      spellCheck={false}
      dir="ltr"
      value={value}
      onChange={({ target }) => onChange(target.value)}
      className="font-mono text-xs"
    />
  );
}
