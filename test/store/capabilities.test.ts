import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Approvals, Claim } from '../../store/capabilities/approvals.ts';
import type { Journal } from '../../store/capabilities/journal.ts';
import type { Ledger } from '../../store/capabilities/ledger.ts';
import type { Stops } from '../../store/capabilities/stops.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import type { ControlConnection, ControlStore, ExecutorConnection, ExecutorStore } from '../../store/ports.ts';

/** The names of optional members. */
type Optional<T> = { [Name in keyof T]-?: Record<never, never> extends Pick<T, Name> ? Name : never }[keyof T];

/** An example of a capability: a driver that has lamps can light one. */
interface Lamps {
  light(colour: 'red' | 'green'): Promise<void>;
}

/** How every driver's connection gets it. */
interface WithLamps extends ExecutorConnection {
  readonly lamps: Lamps | null;
}

describe('a capability of a driver', () => {
  test('is never optional: each driver says whether it has it', () => {
    expectTypeOf<Optional<ExecutorConnection>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<ControlConnection>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<ExecutorStore>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<ControlStore>>().toEqualTypeOf<never>();
  });

  test('is a member of its connection, typed by it, or null', () => {
    expectTypeOf<ExecutorConnection>().not.toExtend<WithLamps>();
    expectTypeOf<ExecutorConnection & { readonly lamps: null }>().toExtend<WithLamps>();
    expectTypeOf<ExecutorConnection & { readonly lamps: Lamps }>().toExtend<WithLamps>();
    expectTypeOf<ControlConnection['snapshots']>().extract<null>().toEqualTypeOf<null>();
  });

  test('is named in the type of the code that needs it, where a driver without it is a type error', () => {
    const warn = ({ lamps }: { readonly lamps: Lamps }): Promise<void> => lamps.light('red');
    expectTypeOf<WithLamps>().not.toExtend<Parameters<typeof warn>[0]>();
    expectTypeOf<WithLamps & { readonly lamps: Lamps }>().toExtend<Parameters<typeof warn>[0]>();
  });
});

describe('the capabilities of executors', () => {
  test('are members of a connection, and what they answer is what the connection answers', () => {
    expectTypeOf<Pick<ExecutorConnection, 'journal' | 'approvals' | 'ledger' | 'stops'>>().toEqualTypeOf<{
      readonly journal: Journal | null;
      readonly approvals: Approvals | null;
      readonly ledger: Ledger | null;
      readonly stops: Stops | null;
    }>();
    expectTypeOf<Approvals['claim']>().returns.toExtend<ReturnType<ExecutorConnection['confirm']>>();
  });

  test('import nothing of the ports, so that the ports can import each of them', () => {
    const folder = new URL('../../store/capabilities/', import.meta.url);
    const files = readdirSync(folder);
    expect(files).toEqual(expect.arrayContaining(['journal.ts', 'approvals.ts', 'ledger.ts', 'stops.ts']));
    for (const file of files) expect(readFileSync(new URL(file, folder), 'utf8'), file).not.toContain('/ports.ts');
  });

  test('have no optional methods', () => {
    expectTypeOf<Optional<Journal>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<Approvals>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<Ledger>>().toEqualTypeOf<never>();
    expectTypeOf<Optional<Stops>>().toEqualTypeOf<never>();
  });

  test('a claim is a confirmation, in one step', () => {
    expectTypeOf<Claim>().toExtend<Confirmation>();
    expectTypeOf<Approvals['claim']>().returns.resolves.toEqualTypeOf<Claim>();
  });

  test('an intent is either new, or comes with what became of it', () => {
    type Intended = Awaited<ReturnType<Journal['intend']>>;
    expectTypeOf<Intended['is']>().toEqualTypeOf<'new' | 'existing'>();
    expectTypeOf<Extract<Intended, { is: 'new' }>>().not.toHaveProperty('entry');
  });
});
