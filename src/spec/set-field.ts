/** Plain assignment to "__proto__" would change the object's prototype instead of adding a field. */
export function setField<T>(object: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}
