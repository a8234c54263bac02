/**
 * The shapes of data that the modules of the page share. Only the type check reads this file: in a
 * comment it is imported as "./types.js".
 */

import type { SchemaForm } from "./schema-form.js";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/* JSON Schema and forms */

export type TypeName = "array" | "boolean" | "integer" | "number" | "object" | "string";

/** A JSON Schema that keeps the portable rules. */
export interface Schema {
  type?: TypeName | "null" | (TypeName | "null")[];
  title?: string;
  description?: string;
  default?: Json;
  examples?: Json[];
  enum?: Json[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
}

/**
 * How a value is taken. `pluck` points into each item of a list: the value is the list of those
 * values. With `join`, the items become one text. `default` is used where there is no value.
 */
export interface Taking {
  pluck?: string;
  join?: string;
  default?: Json;
}

/** A value in the output of an earlier step. */
export interface StepReference extends Taking {
  step: string;
  pointer: string;
}

/** A value of the flow's inputs, by its pointer. */
export interface InputReference extends Taking {
  input: string;
}

/** A value of the item that a repeated step runs for, by its pointer. */
export interface ItemReference extends Taking {
  item: string;
}

export type Reference = StepReference | InputReference | ItemReference;

export type Part = string | Reference;

/** The parts that fill a field, by the field's pointer. Several parts are joined as text. */
export type Bindings = Record<string, Part[]>;

/** One broken rule. `pointer` points into the input. */
export interface FieldError {
  pointer: string;
  code: string;
  message: string;
}

/** Something that is allowed, but probably not meant. `pointer` points into the input. */
export interface Hint {
  pointer: string;
  message: string;
}

export interface Suggestion {
  value: string;
  label: string;
  description?: string;
}

export type Suggest = (search: string) => Promise<Suggestion[]>;

/**
 * Values that may be used: the output of an earlier step, with the output of its last run. Also the
 * inputs of the flow and the item of a repeated step, which have no step id.
 */
export interface Earlier {
  kind?: "input" | "item" | "step";
  step: string;
  title: string;
  schema: Schema;
  result: Json;
}

/**
 * One place of a form. `pattern` is its pointer with `*` for each index, as labels are named. In
 * one branch of a union, `whole` is the schema of the union. `blank` is the value of a text without
 * text: a field is absent, but an item of a list keeps its place.
 */
export interface FormNode {
  schema: Schema;
  whole?: Schema;
  pointer: string;
  pattern: string;
  title: string;
  required: boolean;
  blank?: string;
}

/** The `detail` of a form's `edit` and `change` events. */
export interface FormEdit {
  value: JsonObject;
  bindings: Bindings;
  valid: boolean;
}

/* Actions and connections, as the server describes them */

export interface Entry {
  connector: string;
  action: string;
  version: number;
  title: string;
  summary: string;
  icon: string;
  categories: string[];
}

export interface Catalogue {
  actions: Entry[];
  problems: { connector: string; message: string }[];
  sandbox: boolean;
}

export interface GuideStep {
  title: string;
  text: string;
  link?: string;
}

/** A credential of the sandbox, by its effect. */
export interface SandboxCredential {
  title: string;
  fields: Record<string, string>;
}

/** All that the page needs to draw an action. */
export interface Description {
  connector: {
    id: string;
    title: string;
    connection?: { guide?: GuideStep[] };
    sandbox?: { test_connections: SandboxCredential[] } | null;
  };
  /** `author_schemas`: output fields that follow a schema in the input, by their pointers. */
  action: {
    streaming?: boolean;
    options?: Record<string, string>;
    author_schemas?: Record<string, string>;
  };
  schemas: { connection: Schema; input: Schema; output: Schema };
  labels: Record<string, Record<string, string>>;
}

export interface Connection {
  connection_name: string;
  connector: string;
  fingerprint: string;
}

/** The answer to a new connection or key. `status` is that of its test, if there was one. */
export interface Changed {
  connection: Connection | null;
  status: ConnectionStatus | null;
}

/** The result of a connection test. */
export interface ConnectionStatus {
  outcome: string;
  message: string;
  next_step?: string;
}

/* Flows */

export type OnFailure = "continue" | "stop";

/** The list for whose items a step runs. At most `max` items, 20 if left out. */
export type Each = ({ step: string; pointer: string } | { input: string }) & {
  max?: number;
  on_failure?: OnFailure;
};

export interface SavedStep {
  id: string;
  connector: string;
  action: string;
  version: number;
  connection: string | null;
  input: JsonObject;
  bindings: Bindings;
  each?: Each;
  on_failure?: OnFailure;
}

/** A step on the page. Its `uid` stays the same when its id changes. */
export interface Step extends SavedStep {
  uid: number;
}

export interface Flow {
  flow_version: number;
  inputs?: Schema;
  steps: SavedStep[];
}

/** One thing wrong with a flow: in one of its steps, or in the flow itself. */
export interface FlowError extends FieldError {
  step: string | null;
}

/** All that the server finds in a flow. Every hint is in one of its steps. */
export interface FlowCheck {
  errors: FlowError[];
  hints: (Hint & { step: string })[];
}

/* Runs */

export interface ErrorData {
  code: string;
  message: string;
  user_message: string;
  fields?: FieldError[];
  retryable?: boolean;
  effect?: string;
  retry_after?: number | null;
  docs_url?: string | null;
}

export interface Usage {
  total_tokens?: number;
  prompt_tokens?: number;
  completion_tokens?: number;
  search_queries?: number;
  cost?: { total_cost?: number; basis?: "provider" | "list_price" };
}

/** The result of one run of one action. */
export interface Envelope {
  status: "succeeded" | "failed" | "cancelled";
  summary: string;
  output: JsonObject | null;
  partial: JsonObject | null;
  error: ErrorData | null;
  warnings: { code: string; message: string }[];
  usage: Usage;
  attempts: number;
  duration_ms: number;
  meta: { served_model?: string };
}

/** A page of the web that was found. `id` is its 1-based number, where the provider gives one. */
export interface Source {
  url: string;
  title?: string;
  snippet?: string;
  date?: string | null;
  last_updated?: string | null;
  id?: number;
}

/** A step that does not run, since an output of before is used. */
export interface KeptStep {
  step: string;
  stale: boolean;
}

/** An event of a step's run. `item` is the index of the item that the step runs for. */
export type RunEvent =
  | { type: "text.delta"; step: string; item?: number; text: string }
  | { type: "search.queries"; step: string; item?: number; queries: string[] }
  | { type: "search.results"; step: string; item?: number; results: Source[] }
  | { type: "status"; step: string; item?: number; message: string };

/** An item of the stream of a running flow. `at` is in milliseconds. */
export type RunItem =
  | { type: "flow.started"; step?: undefined; at: number; flow_id: string; kept: KeptStep[] }
  | { type: "step.started"; step: string; at: number; run_id: string; items?: number }
  | { type: "item.started"; step: string; index: number; run_id: string }
  | RunEvent
  | { type: "item.finished"; step: string; index: number; envelope: Envelope }
  | { type: "step.skipped"; step: string; missing: string }
  | { type: "step.finished"; step: string; envelope: Envelope }
  | { type: "flow.finished"; step?: undefined; status: Envelope["status"] };

export type RunStatus = "running" | "interrupted" | "unsure" | Envelope["status"];
export type StepStatus = "waiting" | "skipped" | "kept" | RunStatus;

/** Everything that has arrived from one run of an action. `text` is the answer so far. */
export interface Received {
  status: StepStatus;
  runId: string;
  text: string;
  queries: string[];
  found: Source[];
  message: string;
  envelope: Envelope | null;
}

/** A step's run for one item of a list. */
export interface ItemRun extends Received {
  index: number;
}

/**
 * A step of a run, with everything received so far. `items` has the runs of a step that runs for
 * each item, by their index; it is null for any other step. `missing` is the step whose value a
 * skipped step would need. `isStale` is true for a kept output of a step that has changed since.
 * `startedAt` is in milliseconds; null where it is not known.
 */
export interface StepRun extends Received {
  id: string;
  connector: string;
  action: string;
  step: SavedStep;
  items: ItemRun[] | null;
  missing: string;
  isStale: boolean;
  startedAt: number | null;
}

/** The part of a flow that runs: one step, or a step and all after it. */
export type FlowPart = { only: string } | { from: string };

/** A flow to run. `outputs` is the id of an earlier run, or has outputs by step id. */
export interface RunRequest {
  flow: Flow;
  flow_id?: string;
  name?: string;
  inputs?: JsonObject;
  only?: string;
  from?: string;
  outputs?: string | JsonObject;
}

/**
 * A run of a flow. `key` begins the ids of its elements, and `label` is its name in the list of
 * runs. `part` is null when all steps run. `stopping` is true once the user has pressed Stop.
 */
export interface Run {
  key: string;
  label: string;
  flowId: string;
  flow: Flow;
  inputs: JsonObject;
  part: FlowPart | null;
  steps: StepRun[];
  status: RunStatus;
  startedAt: Date;
  error: ErrorData | null;
  stopping: boolean;
}

/** The list price of a flow or of a table, in USD. */
export interface Price {
  likely: number;
  worst: number;
  basis: "list_price" | "estimate";
}

/* Saved flows and the history */

export interface SavedFlow {
  name: string;
  changed_at: number;
  steps: number;
}

/**
 * A flow that can be followed on the server. `name` is empty for one that is not saved. `ended_at`
 * is null until its end: after it, the server waits a while for a page.
 */
export interface FlowRun {
  flow_id: string;
  name: string;
  started_at: number;
  ended_at: number | null;
}

/** A line of the history. Times are in milliseconds; `cost` is in USD. */
export interface HistoryEntry {
  kind: "flow" | "run" | "table";
  id: string;
  title: string;
  at: number;
  ended_at: number | null;
  status: RunStatus;
  cost: number | null;
  summary: string;
  steps: string[];
  inputs?: JsonObject | null;
}

/** A step of an old run of a flow; with `item`, its run for the item of that index. */
export interface HistoryStep {
  id: string;
  item?: number | null;
  state: "running" | "done" | "failed" | "skipped" | "kept";
  run_id: string | null;
  kept_from: string | null;
  envelope: Envelope | null;
}

/** An old run of a flow. `flow` is null once its content is erased. */
export interface OldFlow {
  kind: "flow";
  flow_id: string;
  title: string | null;
  source: string | null;
  flow: Flow | null;
  inputs: JsonObject | null;
  status: RunStatus;
  at: number;
  steps: HistoryStep[];
}

/** An old run of one action. `input` is null once its content is erased. */
export interface OldRun {
  kind: "run";
  run_id: string;
  connector: string;
  action: string;
  version: number;
  connection: string | null;
  input: JsonObject | null;
  status: RunStatus;
  at: number;
  envelope: Envelope | null;
}

/* Tables */

/**
 * The flow that runs once a row. `template` has the text of an input, with {column} in it. `retry`
 * runs the rows again that have failed.
 */
export interface TableWork {
  flow: Flow;
  template?: Record<string, string>;
  budget?: number;
  retry?: "failed" | "unsure";
}

export interface TablePlan {
  type: "table.planned";
  job_id: string;
  rows: number;
  doubles: number;
  done: number;
  runs: number;
  invalid: { line: number; pointer: string; message: string }[];
  price: Price;
  seconds: number | null;
}

export interface TableRow {
  type: "row.finished";
  line: number;
  key: string;
  run_id: string;
  state: string;
  error: string | null;
  cost: number | null;
  left: number;
}

export interface TableEnd {
  type: "table.finished";
  reason: "done" | "budget" | "stopped" | "failed";
  message: string | null;
  rows: Record<string, number>;
  failed: Record<string, number[]>;
  unsure: { line: number; key: string }[];
  cost: number;
}

export type TableItem = TablePlan | TableRow | TableEnd;

/* Elements */

export type Child = Node | string | number | false | null | undefined | Child[];

/** Attributes and properties of an element, and its event handlers under `onNAME`. */
export type Attributes<Target> = {
  [Name in keyof HTMLElementEventMap as `on${Name}`]?: (
    event: HTMLElementEventMap[Name] & { currentTarget: Target },
  ) => unknown;
} & { [name: string]: unknown };

declare global {
  interface HTMLElementTagNameMap {
    "schema-form": SchemaForm;
  }
  interface HTMLElementEventMap {
    edit: CustomEvent<FormEdit>;
  }
}
