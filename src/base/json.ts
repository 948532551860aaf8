/** What JSON calls an object, of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** As it is written down and read again: without what is undefined. */
export const jsonCopy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
