// The vocabulary in which the tables of fields (pod-fields.ts, container-fields.ts …) are written. One row says all that
// podrun knows of a field: its type, default, limits. TypeScript types, decoding, refusals and docs/fields.md come from it.

import type { Format } from "./format.ts";

/** What every row may say. */
export interface RowOptions {
  /** Must be given. */
  readonly required?: true;
  /** What Kubernetes' API server fills in when the field is absent. */
  readonly default?: unknown;
  /** The field is always present after defaulting, by the rule described here (the code is in `defaults.ts`). */
  readonly computed?: string;
  /** Only these values are supported; the others are Kubernetes' but refused as UnsupportedField, for the reason in `because`. */
  readonly only?: readonly unknown[];
  readonly because?: string;
  /** Written by podrun only: in the type, but a value from outside is dropped, as the API server does. */
  readonly server?: true;
  /** No error shows the value, or anything in it. */
  readonly secret?: true;
  /** Go's zero value (false, 0, "") is the absence of one, and is not kept: there is no pointer in Kubernetes' type. */
  readonly zeroIsAbsent?: true;
  /** For docs/fields.md: what differs from a cluster. */
  readonly note?: string;
}

export interface TextRow extends RowOptions {
  readonly kind: "text";
  readonly format?: Format;
  readonly values?: readonly string[];
  /** "" is a value of its own, not the absence of one; no format is asked of it. */
  readonly empty?: true;
  /** "" is not the absence of a value but a wrong one: there is a pointer in Kubernetes' type. */
  readonly emptyIsWrong?: true;
}
export interface QuantityRow extends RowOptions {
  readonly kind: "quantity";
  /** In a list of resources: what is finer than a thousandth is rounded up. */
  readonly thousandths?: true;
}
export interface IntegerRow extends RowOptions {
  readonly kind: "integer";
  readonly min?: number;
  readonly max?: number;
}
/** The number of a port, or the name of one of the container's (Kubernetes IntOrString). */
export interface PortRow extends RowOptions {
  readonly kind: "port";
}
export interface FlagRow extends RowOptions {
  readonly kind: "flag";
}
export interface ListRow extends RowOptions {
  readonly kind: "list";
  readonly of: Row;
  /** The list is a map by this field (`x-kubernetes-list-map-keys`): two elements may not share its value. */
  readonly key?: string;
}
export interface MapRow extends RowOptions {
  readonly kind: "map";
  readonly of: Row;
  readonly keyFormat?: Format;
}
export interface ObjectRow extends RowOptions {
  readonly kind: "object";
  readonly type: ObjectType;
}
/** Accepted and dropped, as the API server does with fields that only it may set. */
export interface IgnoredRow extends RowOptions {
  readonly kind: "ignored";
}
export type Row = TextRow | QuantityRow | IntegerRow | PortRow | FlagRow | ListRow | MapRow | ObjectRow | IgnoredRow;

/** One Kubernetes object type, such as PodSpec. Each of Kubernetes' fields is in one of the three lists: `npm run generate` sees to it. */
export interface ObjectType {
  /** Kubernetes' name of the type; the key into `kubernetes.gen.ts`. */
  readonly name: string;
  readonly fields: Readonly<Record<string, Row>>;
  /** podrun has not got it: the text says what to do instead. */
  readonly refused?: Readonly<Record<string, string>>;
  /** The field has no meaning on one machine without a cluster: the text says why. */
  readonly notApplicable?: Readonly<Record<string, string>>;
  /** Names that are Kubernetes' own but not listed in its schema (resource names), as a pattern. */
  readonly otherNames?: RegExp;
}

// NoInfer: else an absent options argument is inferred from the place where the row is used, and the row becomes "any row".
type Options<T extends Row> = Omit<T, "kind" | "of" | "type" | "values">;

export const text = <const O extends Options<TextRow> = object>(options?: O) =>
  ({ kind: "text", ...options }) as { kind: "text" } & NoInfer<O>;
export const oneOf = <const V extends readonly string[], const O extends Options<TextRow> = object>(
  values: V,
  options?: O,
) => ({ kind: "text", values, ...options }) as { kind: "text"; values: V } & NoInfer<O>;
export const quantity = <const O extends Options<QuantityRow> = object>(options?: O) =>
  ({ kind: "quantity", ...options }) as { kind: "quantity" } & NoInfer<O>;
export const integer = <const O extends Options<IntegerRow> = object>(options?: O) =>
  ({ kind: "integer", ...options }) as { kind: "integer" } & NoInfer<O>;
export const port = <const O extends Options<PortRow> = object>(options?: O) =>
  ({ kind: "port", ...options }) as { kind: "port" } & NoInfer<O>;
export const flag = <const O extends Options<FlagRow> = object>(options?: O) =>
  ({ kind: "flag", ...options }) as { kind: "flag" } & NoInfer<O>;
export const list = <const E extends Row, const O extends Options<ListRow> = object>(of: E, options?: O) =>
  ({ kind: "list", of, ...options }) as { kind: "list"; of: E } & NoInfer<O>;
export const map = <const E extends Row, const O extends Options<MapRow> = object>(of: E, options?: O) =>
  ({ kind: "map", of, ...options }) as { kind: "map"; of: E } & NoInfer<O>;
export const object = <const T extends ObjectType, const O extends Options<ObjectRow> = object>(type: T, options?: O) =>
  ({ kind: "object", type, ...options }) as { kind: "object"; type: T } & NoInfer<O>;
export const ignored = <const O extends Options<IgnoredRow> = object>(options?: O) =>
  ({ kind: "ignored", ...options }) as { kind: "ignored" } & NoInfer<O>;
export const objectType = <const T extends ObjectType>(type: T): T => type;

// The TypeScript types of decoded, defaulted objects, from the same rows.

/** The value of a row after decoding and defaulting. */
export type Value<R> = R extends { values: readonly (infer V)[] }
  ? V
  : R extends { kind: "text" | "quantity" }
    ? string
    : R extends { kind: "port" }
      ? number | string
      : R extends { kind: "integer" }
        ? number
        : R extends { kind: "flag" }
          ? boolean
          : R extends { kind: "list"; of: infer E }
            ? Value<E>[]
            : R extends { kind: "map"; of: infer E }
              ? Record<string, Value<E>>
              : R extends { kind: "object"; type: infer T }
                ? ObjectValue<T>
                : never;

type Always<R> = R extends { required: true } | { default: unknown } | { computed: string } ? true : false;
type KeysAlways<F> = {
  [K in keyof F]: F[K] extends { kind: "ignored" } ? never : Always<F[K]> extends true ? K : never;
}[keyof F];
type KeysMaybe<F> = {
  [K in keyof F]: F[K] extends { kind: "ignored" } ? never : Always<F[K]> extends true ? never : K;
}[keyof F];

/** An object after decoding and defaulting: required, defaulted and computed fields are always there, the others may be absent. */
export type ObjectValue<T> = T extends { fields: infer F }
  ? { -readonly [K in KeysAlways<F>]: Value<F[K]> } & { -readonly [K in KeysMaybe<F>]?: Value<F[K]> }
  : never;
