/**
 * What a parameters schema must look like: the keywords that authors use, by the shapes that JSON Schema gives them. The
 * published 2020-12 meta-schema needs dynamic references, which the validator does not follow.
 */
const TYPES = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
const schema = { $ref: '#' };
const schemas = { type: 'object', additionalProperties: schema };
const schemaList = { type: 'array', minItems: 1, items: schema };
const count = { type: 'integer', minimum: 0 };
const strings = { type: 'array', items: { type: 'string' }, uniqueItems: true };

export const META_SCHEMA = {
  type: ['object', 'boolean'],
  properties: {
    type: { anyOf: [{ enum: TYPES }, { type: 'array', minItems: 1, items: { enum: TYPES } }] },
    properties: schemas,
    patternProperties: { ...schemas, propertyNames: { format: 'regex' } },
    $defs: schemas,
    additionalProperties: schema,
    propertyNames: schema,
    required: strings,
    minProperties: count,
    maxProperties: count,
    items: schema,
    prefixItems: schemaList,
    contains: schema,
    minItems: count,
    maxItems: count,
    uniqueItems: { type: 'boolean' },
    enum: { type: 'array', minItems: 1 },
    minimum: { type: 'number' },
    maximum: { type: 'number' },
    exclusiveMinimum: { type: 'number' },
    exclusiveMaximum: { type: 'number' },
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    minLength: count,
    maxLength: count,
    pattern: { type: 'string', format: 'regex' },
    format: { type: 'string' },
    allOf: schemaList,
    anyOf: schemaList,
    oneOf: schemaList,
    not: schema,
    if: schema,
    then: schema,
    else: schema,
    title: { type: 'string' },
    description: { type: 'string' },
  },
};
