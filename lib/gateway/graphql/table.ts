import type { Gateway } from '../settings.ts';

/**
 * What a client may ask of a GraphQL API: field by field, and of each field argument by argument. It is written as the question
 * itself is, from the root down, so nothing can be nested deeper than it stands here; what is not here does not exist.
 */
export interface Field {
  /** By name, what their values may be. No other argument is taken. */
  arguments?: Readonly<Record<string, ArgumentRule>>;
  /** Those of them that decide what the field is about, and must be there. */
  required?: readonly string[];
  /** Exactly one of these has to be there. */
  oneOf?: readonly string[];
  /** What may be asked for below it; without, it is a value. */
  fields?: Fields;
}

/** By name. `... on Type` stands for what only one type of object has. */
export type Fields = Readonly<Record<string, Field>>;

/**
 * @param value with variables put in; numbers, texts, lists and records are as JSON has them, enums are texts
 * @returns how GraphQL writes it, made from the value and never a piece of what the client wrote
 * @throws Failure, by `refuse`
 */
export type ArgumentRule = (value: unknown, gateway: Gateway) => string;

/** A field that was asked for and may be. */
export interface Selected {
  /** What the client wants to call it in the answer; empty for `... on Type`. */
  alias: string;
  name: string;
  /** As GraphQL writes them. */
  written: Readonly<Record<string, string>>;
  /** The same as they came, for those who carry a mutation out. */
  given: Readonly<Record<string, unknown>>;
  /** Undefined for a value. */
  fields?: readonly Selected[];
}

/** Writes a question anew, from what was found to be allowed. */
export const writeQuery = (fields: readonly Selected[]): string => `query${writeFields(fields)}`;

export const writeFields = (fields: readonly Selected[]): string =>
  `{${fields
    .map(({ alias, name, written, fields: below }) => {
      const pairs = Object.entries(written).map(([key, value]) => `${key}:${value}`);
      const label = alias === '' || alias === name ? '' : `${alias}:`;
      return `${label}${name}${pairs.length > 0 ? `(${pairs.join(',')})` : ''}${below ? writeFields(below) : ''}`;
    })
    .join(' ')}}`;

/**
 * An answer of our own to what was asked for.
 *
 * @param value its fields by name; one with arguments is a function of them
 */
export function answerFields(fields: readonly Selected[], value: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    fields.map(({ alias, name, given, fields: below }) => {
      const found = value[name];
      const result: unknown = typeof found === 'function' ? (found as (given: unknown) => unknown)(given) : found;
      return [
        alias,
        below && result ? answerFields(below, result as Readonly<Record<string, unknown>>) : (result ?? null),
      ];
    }),
  );
}
