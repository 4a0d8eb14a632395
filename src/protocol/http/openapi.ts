import { errors } from '../../base/errors.ts';
import { type HttpPath, httpPaths } from './paths.ts';
import { problemContentType } from './problem.ts';
import { statusPhraseOf } from './status.ts';

/** The OpenAPI 3.1 document of the interface, from the same rows that route the requests. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of httpPaths as readonly HttpPath[]) {
    const operations = paths[row.path] ?? {};
    paths[row.path] = operations;
    operations[row.method.toLowerCase()] = operationOf(row);
    if (row.method === 'GET') operations['head'] = { ...operationOf(row), operationId: `${row.id}Head` };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'FluxCache', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { schemas: { Problem: problemSchema() }, securitySchemes },
    security: [{}, { bearer: [] }, { basic: [] }],
  };
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
};

function operationOf(row: HttpPath): object {
  const failure = row.isRedisShaped === true ? redisErrorResponse : problemResponse;
  const responses: Record<string, object> = {};
  for (const [status, description] of Object.entries(row.answers)) {
    const isFailure = Number(status) >= 400 && !row.isProbe;
    responses[status] = isFailure ? failure(description) : { description };
  }
  responses['default'] = failure('The request is refused or failed.');
  return {
    operationId: row.id,
    summary: row.summary,
    parameters: row.parameters.map(({ name, in: place, required, type, doc }) => {
      return { name, in: place, required, description: doc, schema: { type } };
    }),
    ...(row.body === undefined ? undefined : { requestBody: bodyOf(row) }),
    responses,
  };
}

function bodyOf(row: HttpPath): object {
  if (row.body === 'any') return { required: true, content: { '*/*': { schema: {} } } };
  if (row.body === 'command') return { required: true, content: { 'application/json': { schema: commandSchema } } };
  if (row.body === 'commands') {
    const schema = { type: 'array', items: commandSchema, minItems: 1 };
    return { required: true, content: { 'application/json': { schema } } };
  }
  const properties: Record<string, object> = {};
  const required: string[] = [];
  for (const [field, type] of Object.entries(row.fields ?? {})) {
    const name = field.replace('!', '');
    if (name !== field) required.push(name);
    properties[name] = type === 'any' ? {} : { type };
  }
  const schema = { type: 'object', properties, required, additionalProperties: false };
  return { required: row.body === 'json', content: { 'application/json': { schema } } };
}

/** A command's name and its arguments. */
const commandSchema = { type: 'array', items: {}, minItems: 1, examples: [['SET', 'key', 'value']] };

function redisErrorResponse(description: string): object {
  const schema = { type: 'object', required: ['error'], properties: { error: { type: 'string' } } };
  return { description, content: { 'application/json': { schema } } };
}

function problemResponse(description: string): object {
  return { description, content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } } };
}

function problemSchema(): object {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'error', 'retryable'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: { type: 'string', examples: [statusPhraseOf(404)] },
      status: { type: 'integer' },
      detail: { type: 'string' },
      error: { type: 'string', enum: Object.keys(errors) },
      field: { type: 'string' },
      allowed: { type: 'string' },
      retryable: { type: 'boolean' },
    },
  };
}
