/** What --json prints: the API's own keys, all of them or the named ones. */
export function jsonText(value: object | readonly object[], fields: readonly string[]): string {
  const chosen = Array.isArray(value) ? value.map((item: object) => pick(item, fields)) : pick(value, fields);
  return `${JSON.stringify(chosen, null, 2)}\n`;
}

function pick(item: object, fields: readonly string[]): object {
  return fields.length === 0 ? item : Object.fromEntries(Object.entries(item).filter(([key]) => fields.includes(key)));
}
