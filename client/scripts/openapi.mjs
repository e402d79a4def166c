// Merge the OpenAPI documents of the services into one document of the whole API.

const TOP_LEVEL_KEYS = ["openapi", "info", "paths", "components"];
const REF_PREFIX = "#/components/";

/**
 * Merge documents into one. `documents` has the name of each service and its document.
 *
 * A component that all services define alike is shared. Components of the same name that differ are
 * prefixed with the name of their service. Throws if the documents cannot be merged without a loss.
 *
 * @param {Record<string, any>} documents
 * @returns {any}
 */
export function mergeDocuments(documents) {
  const services = Object.keys(documents).sort();
  const newNames = renameComponents(services, documents);
  const merged = {
    openapi: documents[services[0]].openapi,
    info: {
      title: "ticketing API",
      description:
        "The public API of the ticketing marketplace: accounts, tickets, orders and payments.",
      version: documents[services[0]].info.version,
    },
    servers: [{ url: "/" }],
    tags: [],
    paths: {},
    components: {},
  };
  for (const service of services) {
    const document = withNewNames(documents[service], newNames[service]);
    for (const key of Object.keys(document)) {
      if (!TOP_LEVEL_KEYS.includes(key)) throw new Error(`${service}: cannot merge "${key}"`);
    }
    mergeTags(merged.tags, document);
    for (const [path, operations] of Object.entries(document.paths)) {
      merged.paths[path] ??= {};
      const target = merged.paths[path];
      for (const [method, operation] of Object.entries(operations)) {
        if (target[method]) throw new Error(`${service}: ${method} ${path} exists twice`);
        target[method] = operation;
      }
    }
    for (const [section, name, component] of components(document)) {
      merged.components[section] ??= {};
      merged.components[section][newNames[service][`${section}/${name}`]] = component;
    }
  }
  return merged;
}

/** Add the tags of a document's operations, described by the document itself. */
function mergeTags(tags, document) {
  const names = Object.values(document.paths)
    .flatMap((operations) => Object.values(operations))
    .flatMap((operation) => operation.tags ?? []);
  for (const name of new Set(names)) {
    if (!tags.some((tag) => tag.name === name)) {
      tags.push({ name, description: document.info.description });
    }
  }
}

/** Return, per service, the new name of each of its components: {"schemas/Order": "Order"}. */
function renameComponents(services, documents) {
  const definitions = {};
  for (const service of services) {
    for (const [section, name, component] of components(documents[service])) {
      const key = `${section}/${name}`;
      definitions[key] ??= {};
      definitions[key][service] = component;
    }
  }
  const conflicts = findConflicts(definitions);
  const newNames = Object.fromEntries(services.map((service) => [service, {}]));
  for (const [key, definition] of Object.entries(definitions)) {
    const name = key.slice(key.indexOf("/") + 1);
    for (const service of Object.keys(definition)) {
      newNames[service][key] = conflicts.has(key) ? prefixed(service, name) : name;
    }
  }
  for (const key of conflicts) {
    for (const service of Object.keys(definitions[key])) {
      const newKey = `${key.slice(0, key.indexOf("/"))}/${newNames[service][key]}`;
      if (definitions[newKey]) throw new Error(`${service}: ${newKey} exists already`);
    }
  }
  return newNames;
}

/** Return the components that differ between services, in themselves or in what they refer to. */
function findConflicts(definitions) {
  const shared = Object.entries(definitions).filter(([, found]) => Object.keys(found).length > 1);
  const conflicts = new Set();
  for (const [key, found] of shared) {
    const texts = Object.values(found).map((component) => JSON.stringify(component));
    if (new Set(texts).size > 1) conflicts.add(key);
  }
  let size;
  do {
    size = conflicts.size;
    for (const [key, found] of shared) {
      if (references(Object.values(found)[0]).some((ref) => conflicts.has(ref))) conflicts.add(key);
    }
  } while (conflicts.size > size);
  return conflicts;
}

/** Return the components that a value refers to, as "schemas/Order". */
function references(value) {
  if (typeof value === "string") {
    return value.startsWith(REF_PREFIX) ? [value.slice(REF_PREFIX.length)] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(references);
}

/** Return a copy of a document with the new names of its components. */
function withNewNames(document, newNames) {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (typeof value === "string" && value.startsWith(REF_PREFIX)) {
      const reference = value.slice(REF_PREFIX.length);
      const [section] = reference.split("/");
      if (!newNames[reference]) throw new Error(`${value} does not exist`);
      return `${REF_PREFIX}${section}/${newNames[reference]}`;
    }
    if (key === "security" && Array.isArray(value)) {
      return value.map((requirement) =>
        Object.fromEntries(
          Object.entries(requirement).map(([name, scopes]) => [
            newNames[`securitySchemes/${name}`] ?? name,
            scopes,
          ]),
        ),
      );
    }
    return value;
  });
}

function* components(document) {
  for (const [section, found] of Object.entries(document.components ?? {})) {
    for (const [name, component] of Object.entries(found)) yield [section, name, component];
  }
}

function prefixed(service, name) {
  return service[0].toUpperCase() + service.slice(1) + name;
}
