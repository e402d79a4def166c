import { Fragment, type ReactNode } from "react";
import { describeLimits, referencedName, type Schema } from "@/lib/openapi";
import { Description } from "./description";

export const schemaAnchor = (name: string) => `schema-${name}`;

/** The type of a value, with links to the schemas that it refers to. */
export function SchemaType({ schema = {} }: { schema?: Schema }): ReactNode {
  const name = referencedName(schema);
  if (name) return <a href={`#${schemaAnchor(name)}`}>{name}</a>;
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives) {
    return alternatives.map((alternative, index) => (
      <Fragment key={JSON.stringify(alternative)}>
        {index > 0 && (schema.allOf ? " and " : " or ")}
        <SchemaType schema={alternative} />
      </Fragment>
    ));
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.type === "array") {
    return (
      <>
        array of <SchemaType schema={schema.items} />
      </>
    );
  }
  if (typeof schema.additionalProperties === "object") {
    return (
      <>
        object with values of <SchemaType schema={schema.additionalProperties} />
      </>
    );
  }
  const type = schema.type ?? "any";
  return schema.format ? `${type} (${schema.format})` : type;
}

type FieldProps = {
  name: string;
  schema?: Schema;
  /** Where the value is sent: "path", "query" or "header". */
  location?: string;
  isRequired?: boolean;
  isDeprecated?: boolean;
  description?: string;
};

/** One field or parameter, for a definition list. */
export function FieldEntry({
  name,
  schema = {},
  location,
  isRequired,
  isDeprecated,
  description,
}: FieldProps) {
  const limits = describeLimits(schema);
  return (
    <div className="api-field">
      <dt>
        <code>{name}</code>
        {location && <span className="text-body-secondary"> in {location}</span>}
        {isRequired && <span className="badge text-bg-secondary ms-2">required</span>}
        {isDeprecated && <span className="badge text-bg-warning ms-2">deprecated</span>}
      </dt>
      <dd>
        <SchemaType schema={schema} />
        {limits && <span className="text-body-secondary">, {limits}</span>}
        <Description text={description ?? schema.description} />
      </dd>
    </div>
  );
}

/** A schema: its fields, or its values if it is not an object. */
export function SchemaFields({ schema }: { schema: Schema }) {
  if (!schema.properties) {
    return (
      <>
        <Description text={schema.description} />
        <p>
          <SchemaType schema={schema} />
        </p>
      </>
    );
  }
  return (
    <>
      <Description text={schema.description} />
      <dl>
        {Object.entries(schema.properties).map(([name, property]) => (
          <FieldEntry
            key={name}
            name={name}
            schema={property}
            isRequired={schema.required?.includes(name)}
            isDeprecated={property.deprecated}
          />
        ))}
      </dl>
    </>
  );
}
