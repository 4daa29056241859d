/** The OpenAPI document as a judge: what is wrong with it, and what is wrong with an answer by it. */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Media {
  readonly schema: Record<string, unknown>;
}
interface Response {
  readonly description: string;
  readonly headers?: Record<string, Media>;
  readonly content?: Record<string, Media>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Record<string, unknown>;
}
export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, Media> };
  readonly responses: Record<string, Response>;
  readonly security?: readonly Record<string, readonly string[]>[];
}

export interface Described {
  /** `GET /v1/registrations/{id}` */
  readonly operations: ReadonlyMap<string, Operation>;
  complaints(
    method: string,
    path: string,
    answer: { readonly status: number; readonly headers: Headers; readonly body: unknown },
  ): string[];
  /** Of a body that is posted. */
  takes(operation: string, body: unknown): boolean;
}

const FORMATS = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};

/** Schemas as they are told: JSON Schema 2020-12, strict, so that a keyword that nobody knows is no silent nothing. */
function compiler(document: Record<string, unknown>): (schema: unknown) => ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true, formats: FORMATS, allowUnionTypes: true });
  const inlined = (schema: unknown) =>
    JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', 'components#/$defs/')) as object;
  ajv.addSchema(inlined({ $defs: (document['components'] as { schemas?: object }).schemas ?? {} }), 'components');
  const compiled = new Map<unknown, ValidateFunction>();
  return (schema) => {
    const found = compiled.get(schema) ?? ajv.compile(inlined(schema));
    compiled.set(schema, found);
    return found;
  };
}

export function described(document: Record<string, unknown>): Described {
  const compile = compiler(document);
  const paths = document['paths'] as Record<string, Record<string, Operation>>;
  const operations: ReadonlyMap<string, Operation> = new Map(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
  const templateOf = (path: string) =>
    Object.keys(paths).find((template) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path));
  return {
    operations,
    complaints: (method, path, { status, headers, body }) => {
      const template = templateOf(path);
      const operation = operations.get(`${method} ${template}`);
      // An address of nobody: whatever is there, it is a problem document.
      if (template === undefined || operation === undefined)
        return status === 404 ? [] : [`${method} ${path} is undocumented`];
      const response = operation.responses[status];
      if (response === undefined) return [`${method} ${template}: ${status} is undocumented`];
      const type = headers.get('content-type')?.split(';')[0] ?? '';
      const media = response.content?.[type];
      if (media === undefined) return [`${method} ${template} ${status}: ${type} is undocumented`];
      const validate = compile(media.schema);
      const isRight = validate(body);
      const missing = Object.keys(response.headers ?? {}).filter((name) => headers.get(name) === null);
      const own = status >= 400 && (body as { status: number }).status !== status ? ['another status in the body'] : [];
      return [
        ...missing.map((name) => `${name} is missing`),
        ...own,
        ...(isRight ? [] : [JSON.stringify(validate.errors)]),
      ];
    },
    takes: (operation, body) =>
      compile(operations.get(operation)?.requestBody?.content['application/json']?.schema)(body),
  };
}

const word = { type: 'string', minLength: 1 };
const named = (one: object) => ({ type: 'object', additionalProperties: one });
const strict = (properties: Record<string, object>, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const schema = { type: 'object' };
const media = strict({ schema }, ['schema']);
const response = strict(
  {
    description: word,
    headers: named(strict({ schema, description: word, required: { type: 'boolean' } }, ['schema'])),
    content: { ...named(media), propertyNames: { pattern: '^[a-z]+/[a-z+.-]+$' } },
  },
  ['description'],
);
const parameter = {
  ...strict(
    { name: word, in: { enum: ['path', 'header', 'query'] }, description: word, required: { type: 'boolean' }, schema },
    ['name', 'in', 'schema'],
  ),
  // OpenAPI: a parameter of the path is always required.
  if: { properties: { in: { const: 'path' } } },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema.
  then: { properties: { required: { const: true } }, required: ['required'] },
};
const operation = strict(
  {
    operationId: word,
    summary: word,
    description: word,
    security: { type: 'array', items: named({ type: 'array', maxItems: 0 }) },
    parameters: { type: 'array', items: parameter },
    requestBody: strict({ required: { type: 'boolean' }, content: named(media), description: word }, ['content']),
    responses: {
      type: 'object',
      patternProperties: { '^[1-5]\\d\\d$': response },
      additionalProperties: false,
      minProperties: 1,
    },
  },
  ['operationId', 'responses'],
);

/** As much of OpenAPI 3.1 as we use, and nothing beside it: what is not here would need a look into the specification. */
const OPENAPI = strict(
  {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: strict({ title: word, version: word, description: word }, ['title', 'version']),
    paths: {
      type: 'object',
      patternProperties: { '^/': strict({ get: operation, post: operation }, []) },
      additionalProperties: false,
    },
    components: strict(
      {
        schemas: { ...named(schema), propertyNames: { pattern: '^[a-zA-Z0-9._-]+$' } },
        securitySchemes: named(
          strict({ type: { const: 'http' }, scheme: { const: 'bearer' }, bearerFormat: word, description: word }, [
            'type',
            'scheme',
          ]),
        ),
      },
      [],
    ),
  },
  ['openapi', 'info', 'paths'],
);

/** What is wrong with a document as OpenAPI 3.1: its form, and what its parts say of each other. */
export function faultsOf(document: Record<string, unknown>): string[] {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  const validate = ajv.compile(OPENAPI);
  if (!validate(document))
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const { operations } = described(document);
  const schemes = Object.keys((document['components'] as { securitySchemes?: object }).securitySchemes ?? {});
  const ids = [...operations.values()].map(({ operationId }) => operationId);
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} twice`),
    ...[...operations].flatMap(([name, one]) => pathFaults(name, one)),
    ...[...operations.values()]
      .flatMap(({ security = [] }) => security.flatMap(Object.keys))
      .filter((name) => !schemes.includes(name)),
    ...schemasIn(document).flatMap(([path, one]) => schemaFaults(document, path, one)),
  ];
}

function pathFaults(name: string, { parameters = [] }: Operation): string[] {
  const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, one]) => one);
  const declared = parameters.filter((one) => one.in === 'path').map((one) => one.name);
  return inPath.toSorted().join() === declared.toSorted().join() ? [] : [`${name}: its path names other parameters`];
}

function schemaFaults(document: Record<string, unknown>, path: string, schema: unknown): string[] {
  try {
    compiler(document)(schema);
    return [];
  } catch (thrown) {
    return [`${path}: ${String(thrown)}`];
  }
}

function schemasIn(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const here = `${path}/${name}`;
    const isSchema = name === 'schema' || path === '/components/schemas';
    return isSchema ? [[here, one] as [string, unknown]] : schemasIn(one, here);
  });
}
