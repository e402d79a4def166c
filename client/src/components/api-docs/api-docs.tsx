import { allErrors, groupByTag, type OpenApiDocument } from "@/lib/openapi";
import { Description } from "./description";
import { errorAnchor, MethodBadge, OperationSection } from "./operation-section";
import { SchemaFields, schemaAnchor } from "./schema";

const tagAnchor = (name: string) => `tag-${name}`;

/** The documentation of the whole API, rendered on the server from its OpenAPI document. */
export function ApiDocs({ document }: { document: OpenApiDocument }) {
  const groups = groupByTag(document);
  const errors = allErrors(document);
  return (
    <div className="api-docs">
      <nav className="api-nav" aria-label="API documentation">
        {groups.map(({ name, endpoints }) => (
          <div key={name}>
            <a className="fw-semibold" href={`#${tagAnchor(name)}`}>
              {name}
            </a>
            <ul className="list-unstyled">
              {endpoints.map(({ method, path, operation }) => (
                <li key={operation.operationId}>
                  <a href={`#${operation.operationId}`}>
                    <MethodBadge method={method} /> {operation.summary ?? path}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
        {errors.length > 0 && (
          <div>
            <a className="fw-semibold" href="#errors">
              Errors
            </a>
          </div>
        )}
        <div>
          <a className="fw-semibold" href="#schemas">
            Schemas
          </a>
        </div>
      </nav>

      <div className="vstack gap-4">
        <div>
          <h1 className="h3">API documentation</h1>
          <Description text={document.info.description} />
          <p className="mb-0">
            Version {document.info.version}. For programs:{" "}
            <a href="/api/openapi.json">OpenAPI document</a>
          </p>
        </div>

        {groups.map((group) => (
          <section className="vstack gap-3" key={group.name} id={tagAnchor(group.name)}>
            <h2 className="h4 mb-0">{group.name}</h2>
            <Description text={group.description} />
            {group.endpoints.map((endpoint) => (
              <OperationSection
                key={endpoint.operation.operationId}
                endpoint={endpoint}
                document={document}
              />
            ))}
          </section>
        ))}

        {errors.length > 0 && (
          <section id="errors">
            <h2 className="h4">Errors</h2>
            <p>
              Compare the <code>code</code> of an error. Its message can change.
            </p>
            <dl>
              {errors.map(({ code, status, summary }, index) => (
                <div className="api-field" key={`${status} ${code}`}>
                  <dt id={isFirst(errors, index) ? errorAnchor(code) : undefined}>
                    <code>{code}</code> <span className="text-body-secondary">{status}</span>
                  </dt>
                  <dd>
                    <Description text={summary} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        )}

        <section className="vstack gap-3" id="schemas">
          <h2 className="h4 mb-0">Schemas</h2>
          {Object.entries(document.components.schemas).map(([name, schema]) => (
            <section className="panel" key={name} id={schemaAnchor(name)}>
              <h3 className="h5">{name}</h3>
              <SchemaFields schema={schema} />
            </section>
          ))}
        </section>
      </div>
    </div>
  );
}

/** Return whether this is the first error with its code: an id may exist only once in a page. */
function isFirst(errors: { code: string }[], index: number): boolean {
  return errors.findIndex(({ code }) => code === errors[index]?.code) === index;
}
