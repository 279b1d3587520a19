import { invalidFields } from "../errors.ts";

/** What a venue demands of an instrument, as a caller states it. Amounts of 0 mean "no rule". */
export interface InstrumentConstraint {
  /** undefined = every venue; empty = positions with the empty venue. Compared without regard to case. */
  readonly venue: string | undefined;
  /** `*` = every symbol. Compared without regard to case. */
  readonly symbol: string;
  /** Name under which orders are sent; empty = the symbol itself. */
  readonly canonicalSymbol: string;
  readonly aliases: readonly string[];
  /** Units of the instrument. */
  readonly lotSize: number;
  /** Base currency. */
  readonly minNotional: number;
  /** Price step in base currency. */
  readonly tickSize: number;
  /** Orders that make a position smaller may be smaller than `minNotional`. */
  readonly closingExempt: boolean;
}

/** All rules that hold for one instrument, merged. */
export interface InstrumentRule {
  readonly symbol: string;
  readonly lotSize: number;
  readonly minNotional: number;
  readonly tickSize: number;
  readonly closingExempt: boolean;
}

/** Finds the rule of an instrument; the answer for one (venue, symbol) is always the same. */
export type ConstraintBook = (venue: string | undefined, symbol: string) => InstrumentRule;

const ANY = "*";

/** Rules of one venue (or of all) by every name of their symbol, folded. */
type Shelf = Map<string, InstrumentConstraint[]>;

interface Shelves {
  readonly everywhere: Shelf;
  readonly byVenue: ReadonlyMap<string, Shelf>;
}

/**
 * Layers rules from general to special: every venue before a named one, `*` before a named symbol, earlier before
 * later; what a later rule states replaces what an earlier one stated. Symbols are known by their canonical name and
 * their aliases alike.
 *
 * @param path proto path of the list, for errors.
 * @throws DomainError INVALID_FIELD when a name stands for two instruments, or a rule for every symbol names one.
 */
export function constraintBook(rules: readonly InstrumentConstraint[], path: string): ConstraintBook {
  if (rules.length === 0) return (_venue, symbol) => unconstrained(symbol);
  assertSound(rules, path);
  const shelves = shelve(rules);
  const known = new Map<string, InstrumentRule>();
  return (venue, symbol) => {
    const key = `${venue === undefined ? "" : `v${venue}`}\u0000${symbol}`;
    const rule = known.get(key) ?? resolve(shelves, venue, symbol);
    known.set(key, rule);
    return rule;
  };
}

function unconstrained(symbol: string): InstrumentRule {
  return { symbol, lotSize: 0, minNotional: 0, tickSize: 0, closingExempt: false };
}

function fold(name: string): string {
  return name.toLowerCase();
}

function namesOf(rule: InstrumentConstraint): Set<string> {
  return new Set(
    [rule.symbol, rule.canonicalSymbol, ...rule.aliases].filter((name) => name !== "").map(fold),
  );
}

function canonicalOf(rule: InstrumentConstraint): string {
  return rule.canonicalSymbol === "" ? rule.symbol : rule.canonicalSymbol;
}

/** Rules whose venue is `*` are for every venue, as those without one. */
function venueOf(rule: InstrumentConstraint): string | undefined {
  return rule.venue === undefined || rule.venue === ANY ? undefined : fold(rule.venue);
}

function assertSound(rules: readonly InstrumentConstraint[], path: string): void {
  const owners = new Map<string, string>();
  rules.forEach((rule, i) => {
    if (rule.symbol === ANY) {
      assertNameless(rule, `${path}[${i}]`);
      return;
    }
    for (const name of namesOf(rule)) {
      const key = `${venueOf(rule) ?? ANY}\u0000${name}`;
      const owner = owners.get(key) ?? canonicalOf(rule);
      if (owner !== canonicalOf(rule)) {
        const description = `'${name}' stands for both '${owner}' and '${canonicalOf(rule)}'`;
        throw invalidFields([{ field: `${path}[${i}]`, description }]);
      }
      owners.set(key, owner);
    }
  });
}

function assertNameless(rule: InstrumentConstraint, path: string): void {
  if (rule.canonicalSymbol === "" && rule.aliases.length === 0) return;
  const field = `${path}.${rule.canonicalSymbol === "" ? "aliases" : "canonical_symbol"}`;
  throw invalidFields([{ field, description: "must be empty where the rule is for every symbol" }]);
}

function shelve(rules: readonly InstrumentConstraint[]): Shelves {
  const everywhere: Shelf = new Map();
  const byVenue = new Map<string, Shelf>();
  for (const rule of rules) {
    const venue = venueOf(rule);
    const shelf: Shelf = venue === undefined ? everywhere : (byVenue.get(venue) ?? new Map());
    if (venue !== undefined) byVenue.set(venue, shelf);
    for (const name of namesOf(rule)) {
      const listed = shelf.get(name);
      if (listed === undefined) shelf.set(name, [rule]);
      else listed.push(rule);
    }
  }
  return { everywhere, byVenue };
}

function resolve(
  { everywhere, byVenue }: Shelves,
  venue: string | undefined,
  symbol: string,
): InstrumentRule {
  const special = venue === undefined ? undefined : byVenue.get(fold(venue));
  const canonical = nameIn(special, symbol) ?? nameIn(everywhere, symbol) ?? symbol;
  const layers = [everywhere, special].flatMap((shelf) => [
    ...(shelf?.get(ANY) ?? []),
    ...named(shelf, symbol, canonical),
  ]);
  return layers.reduce(laid, unconstrained(canonical));
}

function nameIn(shelf: Shelf | undefined, symbol: string): string | undefined {
  const last = shelf?.get(fold(symbol))?.at(-1);
  return last === undefined ? undefined : canonicalOf(last);
}

function named(shelf: Shelf | undefined, symbol: string, canonical: string): InstrumentConstraint[] {
  return [...new Set([...(shelf?.get(fold(symbol)) ?? []), ...(shelf?.get(fold(canonical)) ?? [])])];
}

function laid(under: InstrumentRule, rule: InstrumentConstraint): InstrumentRule {
  return {
    symbol: under.symbol,
    lotSize: rule.lotSize > 0 ? rule.lotSize : under.lotSize,
    minNotional: rule.minNotional > 0 ? rule.minNotional : under.minNotional,
    tickSize: rule.tickSize > 0 ? rule.tickSize : under.tickSize,
    closingExempt: rule.closingExempt || under.closingExempt,
  };
}
