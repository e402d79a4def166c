import {
  type Endpoint,
  errorsOf,
  type OpenApiDocument,
  referencedName,
  schemaOf,
  sessionRequirement,
} from "@/lib/openapi";
import { Description } from "./description";
import { FieldEntry, SchemaFields, SchemaType } from "./schema";

const METHOD_COLORS: Record<string, string> = {
  get: "secondary",
  post: "primary",
  put: "warning",
  delete: "danger",
};

const SESSION_TEXTS = {
  required: "You must be signed in.",
  optional: "You can be signed in.",
  none: "No sign-in needed.",
};

/** FastAPI's description of a response without one. */
const DEFAULT_DESCRIPTION = "Successful Response";

export const errorAnchor = (code: string) => `error-${code}`;

export function MethodBadge({ method }: { method: string }) {
  return (
    <span className={`badge api-method text-bg-${METHOD_COLORS[method] ?? "secondary"}`}>
      {method.toUpperCase()}
    </span>
  );
}

type Props = { endpoint: Endpoint; document: OpenApiDocument };

/** One operation: its parameters, its body, its responses and its errors. */
export function OperationSection({ endpoint: { method, path, operation }, document }: Props) {
  const bodySchema = schemaOf(operation.requestBody?.content);
  const bodyName = referencedName(bodySchema);
  const bodyFields = bodyName ? document.components.schemas[bodyName] : undefined;
  const responses = Object.entries(operation.responses).sort(([a], [b]) => (a < b ? -1 : 1));
  const successes = responses.filter(([status]) => status < "400");
  const failures = responses.filter(([status]) => status >= "400");
  return (
    <section className="api-operation panel" id={operation.operationId}>
      <h3 className="h5">
        <MethodBadge method={method} /> <code>{path}</code>
      </h3>
      <p className="fw-semibold">
        {operation.summary}
        {operation.deprecated && <span className="badge text-bg-warning ms-2">deprecated</span>}
      </p>
      <Description text={operation.description} />
      <p className="text-body-secondary">{SESSION_TEXTS[sessionRequirement(operation)]}</p>

      {operation.parameters && operation.parameters.length > 0 && (
        <>
          <h4 className="h6 fw-bold">Parameters</h4>
          <dl>
            {operation.parameters.map((parameter) => (
              <FieldEntry
                key={`${parameter.in} ${parameter.name}`}
                name={parameter.name}
                schema={parameter.schema}
                location={parameter.in}
                isRequired={parameter.required}
                isDeprecated={parameter.deprecated}
                description={parameter.description}
              />
            ))}
          </dl>
        </>
      )}

      {bodySchema && (
        <>
          <h4 className="h6 fw-bold">
            Request body: <SchemaType schema={bodySchema} />
          </h4>
          {bodyFields && <SchemaFields schema={bodyFields} />}
        </>
      )}

      <h4 className="h6 fw-bold">Responses</h4>
      <dl>
        {successes.map(([status, response]) => {
          const mediaTypes = Object.keys(response.content ?? {});
          const schema = schemaOf(response.content);
          return (
            <div className="api-field" key={status}>
              <dt>{status}</dt>
              <dd>
                {schema && Object.keys(schema).length > 0 ? (
                  <SchemaType schema={schema} />
                ) : (
                  (mediaTypes[0] ?? "no body")
                )}
                {mediaTypes.some((type) => type !== "application/json") && schema && (
                  <span className="text-body-secondary"> as {mediaTypes.join(", ")}</span>
                )}
                {response.description !== DEFAULT_DESCRIPTION && (
                  <Description text={response.description} />
                )}
              </dd>
            </div>
          );
        })}
      </dl>

      <h4 className="h6 fw-bold">Errors</h4>
      <dl className="mb-0">
        {failures.map(([status, response]) => {
          const errors = errorsOf(status, response);
          return (
            <div className="api-field" key={status}>
              <dt>{status}</dt>
              <dd>
                {errors.length > 0 ? (
                  errors.map(({ code }, index) => (
                    <span key={code}>
                      {index > 0 && ", "}
                      <a href={`#${errorAnchor(code)}`}>
                        <code>{code}</code>
                      </a>
                    </span>
                  ))
                ) : (
                  <Description text={response.description} />
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}
