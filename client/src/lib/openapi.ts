/** The part of OpenAPI 3.1 that the services use. */
export type OpenApiDocument = {
  info: { title: string; description?: string; version: string };
  tags: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

export type Operation = {
  operationId: string;
  tags?: string[];
  summary?: string;
  description?: string;
  deprecated?: boolean;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, ApiResponse>;
  security?: Record<string, string[]>[];
};

export type Parameter = {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  required?: boolean;
  deprecated?: boolean;
  description?: string;
  schema?: Schema;
};

export type ApiResponse = { description?: string; content?: Content };

export type Content = Record<string, { schema?: Schema; examples?: Record<string, Example> }>;

type Example = { summary?: string; value?: unknown };

export type Schema = {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  deprecated?: boolean;
  default?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  multipleOf?: number;
  pattern?: string;
};

export type Endpoint = { method: string; path: string; operation: Operation };

export type EndpointGroup = { name: string; description?: string; endpoints: Endpoint[] };

/** Return the operations of the document by their first tag, in the order of the document. */
export function groupByTag(document: OpenApiDocument): EndpointGroup[] {
  const groups: EndpointGroup[] = document.tags.map((tag) => ({ ...tag, endpoints: [] }));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = operation.tags?.[0] ?? "other";
      let group = groups.find((candidate) => candidate.name === name);
      if (!group) {
        group = { name, endpoints: [] };
        groups.push(group);
      }
      group.endpoints.push({ method, path, operation });
    }
  }
  return groups.filter(({ endpoints }) => endpoints.length > 0);
}

/** Return the schema of a body, of the first media type that it has. */
export function schemaOf(content: Content | undefined): Schema | undefined {
  return Object.values(content ?? {})[0]?.schema;
}

/** Return the name of the schema that a reference points to, undefined if it is not a reference. */
export function referencedName(schema: Schema | undefined): string | undefined {
  return schema?.$ref?.replace("#/components/schemas/", "");
}

/** Return whether the operation needs a session: always, never, or only for more data. */
export function sessionRequirement({ security }: Operation): "required" | "optional" | "none" {
  if (!security?.length) return "none";
  return security.some((scheme) => Object.keys(scheme).length === 0) ? "optional" : "required";
}

export type ErrorEntry = { code: string; status: string; summary?: string };

/** Return the errors of a response: one per example, by its code. */
export function errorsOf(status: string, response: ApiResponse): ErrorEntry[] {
  const examples = Object.values(response.content ?? {}).flatMap((media) =>
    Object.values(media.examples ?? {}),
  );
  return examples.flatMap(({ summary, value }) => {
    const errors = (value as { errors?: { code?: string }[] } | undefined)?.errors ?? [];
    return errors.flatMap(({ code }) => (code ? [{ code, status, summary }] : []));
  });
}

/** Return every error of the document once, sorted by status and code. */
export function allErrors(document: OpenApiDocument): ErrorEntry[] {
  const errors = new Map<string, ErrorEntry>();
  for (const { operation } of groupByTag(document).flatMap(({ endpoints }) => endpoints)) {
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const error of errorsOf(status, response)) errors.set(`${status} ${error.code}`, error);
    }
  }
  return [...errors.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, error]) => error);
}

/** Describe the limits of a value: "1 to 200 characters, default 50". */
export function describeLimits(schema: Schema): string {
  // An optional value has its limits inside of anyOf.
  const inner = schema.anyOf?.find(({ type }) => type !== "null") ?? {};
  const merged = { ...inner, ...schema };
  return [
    range(merged.minLength, merged.maxLength, "characters"),
    range(merged.minItems, merged.maxItems, "items"),
    range(merged.minimum, merged.maximum),
    merged.exclusiveMinimum !== undefined && `more than ${merged.exclusiveMinimum}`,
    merged.exclusiveMaximum !== undefined && `less than ${merged.exclusiveMaximum}`,
    merged.multipleOf !== undefined && `a multiple of ${merged.multipleOf}`,
    merged.pattern && `pattern ${merged.pattern}`,
    merged.default !== undefined &&
      merged.default !== null &&
      `default ${JSON.stringify(merged.default)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function range(minimum?: number, maximum?: number, unit = ""): string | undefined {
  if (minimum === undefined && maximum === undefined) return undefined;
  const numbers =
    maximum === undefined
      ? `at least ${minimum}`
      : minimum === undefined
        ? `at most ${maximum}`
        : minimum === maximum
          ? `${minimum}`
          : `${minimum} to ${maximum}`;
  return `${numbers} ${unit}`.trim();
}
